"""What the service is delivered with: the image, the composition, the example of the settings, the units."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from app.settings import VERSION, BadSettings, Settings, read_settings
from tasks.supervision.workers import MARGIN_S, WORKERS

ROOT = Path(__file__).resolve().parents[3]
TOOLS = Path(sys.executable).parent

#: Started once a release; all others run always.
MIGRATE = "migrate"
ALWAYS = ["api", "worker", "upkeep", "webhooks"]
#: What a start of the service without it must not survive.
REQUIRED = {"DATABASE_URL", "REDIS_URL", "JWT_SECRET"}
#: What `.env.example` has for compose.yaml and not for the service.
FOR_COMPOSE = {"POSTGRES_PASSWORD", "FILES_DIR", "API_PORT"}

UNITS = ROOT / "deploy"
UNITS_COMMAND = "/opt/course-generation/current/.venv/bin/coursegen"


@dataclass(frozen=True)
class Instruction:
    """One of the Dockerfile, its lines joined; `stage` counts from 0."""

    stage: int
    name: str
    value: str

    def argv(self) -> list[str]:
        """The command of an exec form."""
        command: list[str] = json.loads(self.value[self.value.index("[") :])
        return command

    def pairs(self) -> dict[str, str]:
        """The names and values of ENV, LABEL and ARG."""
        return dict(word.split("=", 1) for word in shlex.split(self.value))


def dockerfile() -> list[Instruction]:
    """Every instruction in its order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    stage, found = -1, []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, value = line.partition(" ")
            stage += name == "FROM"
            found.append(Instruction(stage, name, value.strip()))
    return found


def image(name: str) -> list[Instruction]:
    """The instructions of this name in the stage that becomes the image."""
    return [instruction for instruction in dockerfile() if instruction.name == name and instruction.stage == 1]


def sent_to_the_builder(path: str) -> bool:
    """Whether .dockerignore lets this file of the checkout through; of its rules, the last that fits counts."""
    parts = path.split("/")
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            deep = "**/" in line
            if any(fnmatch(Path(name).name, pattern) if deep else _same(name, pattern) for name in above):
                sent = line.startswith("!")
    return sent


def _same(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatch(path, pattern)


def compose() -> dict[str, Any]:
    """compose.yaml, its anchors resolved, its variables as they stand."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return parsed


def commands() -> dict[str, list[str]]:
    """What migration, API and workers run, as the image and compose.yaml say."""
    services = compose()["services"]
    return {name: services[name].get("command") or image("CMD")[0].argv() for name in [MIGRATE, *ALWAYS]}


def example(*, with_defaults: bool) -> dict[str, str]:
    """The variables of .env.example; with the ones that a # turns off, if asked for."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    lines = re.findall(r"^(#?)([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE)
    names = [name for _, name, _ in lines]
    assert len(names) == len(set(names))
    return {name: value for off, name, value in lines if with_defaults or not off}


def settings(environment: dict[str, str]) -> Settings:
    with mock.patch.dict(os.environ, environment, clear=True):
        return read_settings()


def unit(name: str) -> configparser.ConfigParser:
    """A unit of deploy/; of a key that stands twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / f"course-generation-{name}.service", encoding="utf-8")
    return parser


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def default_settings() -> Settings:
    return settings({"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWT_SECRET": "s" * 32})


# The image


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([TOOLS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    (user,) = image("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user.value)


def test_both_stages_stand_on_one_pinned_base_without_a_registry() -> None:
    bases = {re.sub(" AS .*", "", line.value) for line in dockerfile() if line.name == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"[a-z]+:\d+\.\d+[a-z-]*", bases.pop())


def test_the_image_starts_the_api_is_asked_whether_it_lives_and_is_stopped_by_sigterm() -> None:
    assert image("CMD")[0].argv() == ["coursegen", "api"]
    assert "/livez" in image("HEALTHCHECK")[0].argv()[-1]
    assert image("STOPSIGNAL")[0].value == "SIGTERM"


def test_the_image_holds_no_tests_no_tools_of_development_and_no_secret() -> None:
    copied = " ".join(line.value for line in dockerfile() if line.name in {"COPY", "ADD"})
    assert not re.search(r"tests|requirements-dev|bench|stack|\.env|(^| )\.( |$)", copied)
    for path in [".env", ".git/config", "tests/conftest.py", "stack/demo.py", "app/__pycache__/a.pyc", "docs/api.md"]:
        assert not sent_to_the_builder(path), path


def test_everything_the_dockerfile_copies_is_there_and_sent_to_the_builder() -> None:
    for line in dockerfile():
        if line.name == "COPY" and "--from" not in line.value:
            for source in line.value.split()[:-1]:
                path = ROOT / source
                assert path.exists(), source
                names = [path] if path.is_file() else [name for name in path.rglob("*.*") if name.suffix != ".pyc"]
                assert names
                assert all(sent_to_the_builder(str(name.relative_to(ROOT))) for name in names)


def test_the_builder_names_the_release_in_the_label_and_the_code_names_it_in_the_log() -> None:
    assert image("LABEL")[0].pairs()["org.opencontainers.image.version"] == "${VERSION}"
    assert "pyproject.toml" in [source for line in image("COPY") for source in line.value.split()]
    for file in ["Dockerfile", "compose.yaml", ".env.example"]:
        assert VERSION not in (ROOT / file).read_text(encoding="utf-8")


def test_the_image_finds_the_commands_of_the_system_that_its_build_runs() -> None:
    """Debian keeps `groupadd` and `useradd` in /usr/sbin."""
    assert {"/venv/bin", "/usr/sbin", "/usr/bin", "/bin"} <= set(image("ENV")[0].pairs()["PATH"].split(":"))


# The example of the settings


def test_the_example_has_every_setting_and_what_compose_needs_and_no_other() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(example(with_defaults=True)) == documented | FOR_COMPOSE


def test_an_example_that_nobody_filled_in_starts_nothing() -> None:
    with pytest.raises(BadSettings) as caught:
        settings(example(with_defaults=False))
    assert set(caught.value.problems) == REQUIRED
    assert not any(example(with_defaults=False)[name] for name in {*REQUIRED, "POSTGRES_PASSWORD", "FILES_DIR"})


def test_what_the_example_turns_off_are_the_defaults() -> None:
    on, every = example(with_defaults=False), example(with_defaults=True)
    given = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWT_SECRET": "s" * 32}
    defaults = {name: value for name, value in every.items() if name not in on}
    assert settings(given | defaults) == default_settings()


def test_the_example_takes_a_tier_only_from_where_its_user_cannot_write() -> None:
    assert example(with_defaults=False)["TIER_CLAIMS"] == "app_metadata.tier"


# The composition


def test_the_composition_fits_its_schema() -> None:
    command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_of_the_composition_is_in_the_example() -> None:
    used = set(re.findall(r"\$\{?(\w+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    assert used
    assert used <= set(example(with_defaults=True))


def test_the_composition_lacks_no_secret_silently() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    for name in ["POSTGRES_PASSWORD", "FILES_DIR"]:
        assert set(re.findall(rf"\$\{{{name}[^}}]*}}", text)) == {f"${{{name}:?set it in .env}}"}


def test_the_composition_leaves_it_to_the_service_to_miss_both_ways_of_checking_tokens() -> None:
    """Either will do, and it takes them from .env as it takes every setting; without either nothing is migrated."""
    assert not re.search("JWT_", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    given = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache"}
    assert settings(given | {"JWT_SECRET": "", "JWT_JWKS_URL": "https://auth.example/jwks.json"})
    with pytest.raises(BadSettings):
        settings(given | {"JWT_SECRET": "", "JWT_JWKS_URL": ""})


@pytest.mark.parametrize("name", ALWAYS)
def test_a_process_of_the_composition_runs_always_and_after_the_migration(name: str) -> None:
    service = compose()["services"][name]
    assert service["restart"] == "always"
    assert service["depends_on"][MIGRATE] == {"condition": "service_completed_successfully"}
    for server in ["postgres", "redis"]:
        assert service["depends_on"][server] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", ALWAYS)
def test_the_composition_waits_longer_for_an_end_than_an_end_takes(name: str) -> None:
    grace = default_settings().shutdown_grace_s + MARGIN_S
    assert seconds(compose()["services"][name]["stop_grace_period"]) > grace


@pytest.mark.parametrize("name", [MIGRATE, *ALWAYS])
def test_a_process_of_the_composition_may_do_little(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])


def test_of_the_composition_only_the_api_is_reached_and_from_this_machine_alone() -> None:
    ports = {name: service["ports"] for name, service in compose()["services"].items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:${API_PORT:-8000}:8000"]}


def test_every_server_and_worker_of_the_composition_has_a_check_of_its_own() -> None:
    services = compose()["services"]
    assert all("test" in services[name]["healthcheck"] for name in ["postgres", "redis", *ALWAYS[1:]])
    assert "healthcheck" not in services["api"]  # the image's


def test_redis_keeps_nothing_and_never_evicts() -> None:
    line = shlex.join(compose()["services"]["redis"]["command"])
    assert "--save '' --appendonly no" in line
    assert "--maxmemory-policy noeviction" in line


def test_the_workers_of_the_composition_serve_what_the_worker_of_one_machine_serves() -> None:
    arguments = [commands()[name][1:] for name in ALWAYS[1:]]
    assert arguments == [["worker", "--only", part] for part in WORKERS]
    assert [WORKERS[part] for part in WORKERS] == ALWAYS[1:]


# The units


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

    assert walls("api")["ProtectSystem"] == "strict"
    assert all(walls(name) == walls("api") for name in [MIGRATE, *ALWAYS])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    for file in UNITS.glob("course-generation*"):
        text = file.read_text(encoding="utf-8").replace(UNITS_COMMAND, "/bin/sh")  # it must exist
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    units = sorted(tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "course-generation" in line]
    assert (done.returncode, said) == (0, [])
