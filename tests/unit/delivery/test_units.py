"""The units of systemd."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from app.settings.env_file import UNITS_FILE
from tasks.supervision.workers import MARGIN_S
from tests.unit.delivery.delivered import (
    ALWAYS,
    MIGRATE,
    UNITS,
    UNITS_COMMAND,
    commands,
    compose,
    default_settings,
    seconds,
    unit,
)


@pytest.mark.parametrize("name", [MIGRATE, *ALWAYS])
def test_a_unit_runs_what_the_composition_runs(name: str) -> None:
    command, *arguments = shlex.split(unit(name)["Service"]["ExecStart"])
    assert [command, *arguments] == [UNITS_COMMAND, *commands()[name][1:]]


@pytest.mark.parametrize("name", ALWAYS)
def test_a_unit_runs_always_ends_in_time_and_is_killed_as_a_whole(name: str) -> None:
    service = unit(name)["Service"]
    assert (service["Restart"], service["KillMode"]) == ("always", "mixed")
    assert unit(name)["Unit"]["StartLimitIntervalSec"] == "0"
    assert seconds(service["TimeoutStopSec"]) > default_settings().shutdown_grace_s + MARGIN_S


@pytest.mark.parametrize("name", ALWAYS)
def test_a_unit_starts_after_the_migration_and_may_use_as_much_as_its_container(name: str) -> None:
    assert "course-generation-migrate.service" in unit(name)["Unit"]["After"].split()
    assert unit(name)["Service"]["MemoryMax"] == compose()["services"][name]["deploy"]["resources"]["limits"]["memory"]


def test_the_migration_unit_is_done_when_it_ends() -> None:
    assert unit(MIGRATE)["Service"]["Type"] == "oneshot"


def test_all_units_are_shut_in_alike() -> None:
    def walls(name: str) -> dict[str, str]:
        walled = r"Protect|Private|Restrict|System|Lock|NoNew|Capab|UMask|User|Group|Environ|WorkingD"
        return {key: value for key, value in unit(name)["Service"].items() if re.match(walled, key)}

    api = walls("api")
    assert api["EnvironmentFile"] == str(UNITS_FILE)  # which commands read, too
    assert (api["ProtectSystem"], api["RestrictNamespaces"]) == ("strict", "yes")
    # Its children shut themselves in further.
    assert walls("worker") == api | {"RestrictNamespaces": "user net"}
    assert all(walls(name) == api for name in [MIGRATE, *ALWAYS] if name != "worker")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    for file in UNITS.glob("course-generation*"):
        text = file.read_text(encoding="utf-8").replace(UNITS_COMMAND, "/bin/sh")  # it must exist
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    units = sorted(tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "course-generation" in line]
    assert (done.returncode, said) == (0, [])
