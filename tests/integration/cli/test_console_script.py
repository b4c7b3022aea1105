"""The console script `coursegen`, as units, containers and operators run it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import jwt
import pytest
from flask import Flask

from app.settings import VERSION
from coursegen.__main__ import main
from tests.tokens import SECRET

SCRIPT = Path(sys.executable).with_name("coursegen")
SETTINGS = {
    "DATABASE_URL": "postgresql://127.0.0.1:9/nothing",
    "REDIS_URL": "redis://127.0.0.1:9",
    "JWT_SECRET": SECRET,
}
COMMANDS = {
    *("api", "worker", "migrate", "doctor", "generate", "generations"),
    *("slots", "events", "webhooks", "metrics", "platform", "token"),
    *("console", "console-link"),
}


def run(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in this folder, which is not the checkout's, with these settings alone."""
    environment = {"PATH": os.environ["PATH"], **(settings or {})}
    return subprocess.run(
        [SCRIPT, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_its_help_lists_every_command_without_any_settings(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()} == COMMANDS


def test_it_names_the_release(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout == f"coursegen, version {VERSION}\n"


def test_flask_has_every_command_but_the_processes(app: Flask) -> None:
    own = {name for name, command in app.cli.commands.items() if isinstance(command, click.Command)}
    assert own == COMMANDS - {"api", "worker", "console"} == COMMANDS - set(main.commands)


def test_a_worker_loads_neither_flask_nor_the_commands() -> None:
    loads = (
        "import sys, coursegen.__main__, tasks.worker_app; print({'flask', 'app.cli', 'app.http'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", loads], text=True) == "set()\n"


@pytest.mark.parametrize("arguments", ["api", "worker", "worker --only upkeep", "migrate", "slots", "metrics"])
def test_bad_settings_end_a_command_with_their_names(tmp_path: Path, arguments: str) -> None:
    done = run(tmp_path, *arguments.split(), settings={**SETTINGS, "JWT_SECRET": "short", "POOL_SIZE": "0"})
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:]] == ["JWT_SECRET", "POOL_SIZE"]


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    done = run(tmp_path, "token", "--user", "00000000-0000-4000-8000-000000000001", settings=SETTINGS)
    assert done.returncode == 0, done.stderr
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"], audience="authenticated")
    assert claims["sub"] == "00000000-0000-4000-8000-000000000001"
