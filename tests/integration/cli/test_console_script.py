"""The console script `coursegen`, as units, containers and operators run it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import click
import jwt
import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask

from app.settings import VERSION, Settings
from app.settings.env_file import VARIABLE
from coursegen.__main__ import main
from tests.integration.operations.rows import Past
from tests.tokens import SECRET

Conn = psycopg.Connection[Any]
SCRIPT = Path(sys.executable).with_name("coursegen")
SETTINGS = {
    "DATABASE_URL": "postgresql://127.0.0.1:9/nothing",
    "REDIS_URL": "redis://127.0.0.1:9",
    "JWT_SECRET": SECRET,
}
COMMANDS = {
    *("api", "worker", "migrate", "doctor", "generate", "generations"),
    *("slots", "processes", "settings", "events", "webhooks", "metrics", "platform", "token"),
    *("console", "console-link"),
    *("workers", "queue", "audit", "completion"),
    *("pause", "resume", "limit", "aging", "tiers"),
}
CONTEXT = click.Context(main)
EVERY = {name: main.get_command(CONTEXT, name) for name in main.list_commands(CONTEXT)}
GROUPS = [name for name, command in EVERY.items() if isinstance(command, click.Group)]
#: What runs without Flask's application, and has no place among Flask's commands.
PROCESSES = {"api", "worker", "console", "completion"}


def run(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in this folder, which is not the checkout's, with these settings alone."""
    environment = {"PATH": os.environ["PATH"], **(settings or {})}
    return subprocess.run(
        [SCRIPT, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_its_help_lists_every_command_without_any_settings(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for help_text in (done.stdout, *(CliRunner().invoke(main, [group, "--help"]).stdout for group in GROUPS)):
        assert "..." not in help_text.partition("Commands:")[2]  # no first sentence is too long for its line
    assert {line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()} == COMMANDS


def test_it_names_the_release(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout == f"coursegen, version {VERSION}\n"


def test_flask_has_every_command_but_the_processes(app: Flask) -> None:
    own = {name for name, command in app.cli.commands.items() if isinstance(command, click.Command)}
    assert own == COMMANDS - PROCESSES == COMMANDS - set(main.commands)


def test_a_worker_loads_neither_flask_nor_the_commands() -> None:
    loads = (
        "import sys, coursegen.__main__, tasks.worker_app; print({'flask', 'app.cli', 'app.http'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", loads], text=True) == "set()\n"


def calls(command: click.Command, *before: str) -> Iterator[list[str]]:
    """Each command with what it requires."""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from calls(each, *before, name)
        return
    values = []
    for param in command.params:
        if param.required:
            shown = {
                "uuid": str(UUID(int=1)),
                "integer range": "1",
                "choice": next(iter(getattr(param.type, "choices", [])), ""),
            }
            value = shown.get(param.type.name, __file__)
            values += [value] if isinstance(param, click.Argument) else [param.opts[0], value]
    yield [*before, *values]


def test_bad_settings_end_every_command_with_a_sentence_on_each(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("DATABASE_URL=mysql://x\nPOOL_SIZE=0\nREDIS_URL=redis://127.0.0.1:9\n")
    commands = {name: command for name, command in EVERY.items() if command and name not in PROCESSES}
    every = [each for name, command in commands.items() for each in calls(command, name)]
    assert {arguments[0] for arguments in every} == COMMANDS - PROCESSES
    for arguments in every:
        with mock.patch.dict(os.environ, {"PATH": os.environ["PATH"]}, clear=True):
            done = CliRunner().invoke(main, ["--env-file", str(tmp_path / "env"), *arguments])
        assert (done.exit_code, done.stdout) == (1, ""), arguments
        named = [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:]]
        assert named == ["DATABASE_URL", "JWT_SECRET", "POOL_SIZE"], arguments


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_by_the_script_that_it_prints(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert (done.exit_code, "_COURSEGEN_COMPLETE" in done.stdout) == (0, True)


def test_a_shell_completes_values_and_the_ids_of_generations(settings: Settings, conn: Conn) -> None:
    running = Past(conn).generation(datetime.now(UTC))
    Past(conn).generation(datetime.now(UTC), datetime.now(UTC))  # completed

    def complete(*words: str, url: str = settings.database_url) -> list[str]:
        environment = {**SETTINGS, "DATABASE_URL": url, "COMP_WORDS": shlex.join(["coursegen", *words])}
        environment |= {"COMP_CWORD": str(len(words)), "_COURSEGEN_COMPLETE": "bash_complete"}
        shown = CliRunner().invoke(main, prog_name="coursegen", env={**environment, VARIABLE: None})
        return [line.partition(",")[2] for line in shown.stdout.split()]

    assert complete("generations", "list", "--status", "ru") == ["running"]
    for command in ("show", "cancel", "retry"):
        assert complete("generations", command, str(running)[:8]) == [str(running)], command
    assert complete("generations", "show", "", url=SETTINGS["DATABASE_URL"]) == []


@pytest.mark.parametrize("arguments", ["api", "console", "worker", "worker --only upkeep"])
def test_bad_settings_end_a_command_with_their_names(tmp_path: Path, arguments: str) -> None:
    done = run(tmp_path, *arguments.split(), settings={**SETTINGS, "JWT_SECRET": "short", "POOL_SIZE": "0"})
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:]] == ["JWT_SECRET", "POOL_SIZE"]


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    done = run(tmp_path, "token", "--user", "00000000-0000-4000-8000-000000000001", settings=SETTINGS)
    assert done.returncode == 0, done.stderr
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"], audience="authenticated")
    assert claims["sub"] == "00000000-0000-4000-8000-000000000001"
