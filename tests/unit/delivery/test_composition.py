"""compose.yaml."""

import re
import shlex
import subprocess

import pytest

from app.settings import BadSettings
from tasks.supervision import workers
from tasks.supervision.workers import MARGIN_S
from tests.unit.delivery.delivered import (
    ALWAYS,
    MIGRATE,
    ROOT,
    TOOLS,
    WORKERS,
    commands,
    compose,
    default_settings,
    example,
    seconds,
    settings,
)


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


def test_of_the_composition_only_api_and_console_are_reached_and_from_this_machine_alone() -> None:
    ports = {name: service["ports"] for name, service in compose()["services"].items() if "ports" in service}
    console = "${CONSOLE_PORT:-8001}"
    assert ports == {"api": ["127.0.0.1:${API_PORT:-8000}:8000"], "console": [f"127.0.0.1:{console}:{console}"]}
    environment = compose()["services"]["console"]["environment"]
    assert (environment["CONSOLE_HOST"], environment["CONSOLE_PORT"]) == ("0.0.0.0", console)
    assert environment.items() >= compose()["services"]["api"]["environment"].items()
    assert console == f"${{CONSOLE_PORT:-{default_settings().console_port}}}"


def test_every_server_and_worker_of_the_composition_has_a_check_of_its_own() -> None:
    services = compose()["services"]
    assert all("test" in services[name]["healthcheck"] for name in ["postgres", "redis", *WORKERS, "console"])
    assert "healthcheck" not in services["api"]  # the image's
    assert "'/healthz'" in services["console"]["healthcheck"]["test"][-1]


def test_redis_keeps_nothing_and_never_evicts() -> None:
    line = shlex.join(compose()["services"]["redis"]["command"])
    assert "--save '' --appendonly no" in line
    assert "--maxmemory-policy noeviction" in line


def test_the_workers_of_the_composition_serve_what_the_worker_of_one_machine_serves() -> None:
    arguments = [commands()[name][1:] for name in WORKERS]
    assert arguments == [["worker", "--only", part] for part in workers.WORKERS]
    assert [part.name for part in workers.WORKERS.values()] == WORKERS
