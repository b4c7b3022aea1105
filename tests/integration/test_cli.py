"""The operator's commands, run as an operator runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from click.testing import Result
from flask import Flask

from app import create_app
from app.generation.admission import Order, admit
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.services import Services
from app.settings import Settings
from tests.logs import logging_restored
from tests.tokens import SECRET

from .factories import MakeCourse

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def environment(clean: None, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
        "APP_ENV": "test",
    }


def flask(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "flask", "--app", "wsgi", *arguments]
    # Coverage of subprocesses, where it is measured, is asked for by the environment.
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    return subprocess.run(
        command, cwd=ROOT, env={**measured, **environment}, capture_output=True, text=True, timeout=30, check=False
    )


def start(services: Services, make_course: MakeCourse, user_id: UUID) -> None:
    course = make_course(user_id=user_id)
    admit(services.db, services.slots, services.events, Caller(user_id, Tier.PREMIUM), Order(course.id))


@pytest.fixture
def holders(services: Services, make_course: MakeCourse) -> list[UUID]:
    """Two users, the first of whom holds two slots and the second one."""
    users = sorted([uuid4(), uuid4()], key=str)
    for user in (users[0], users[0], users[1]):
        start(services, make_course, user)
    return users


def run(app: Flask, *arguments: str) -> Result:
    """The command in this process."""
    return app.test_cli_runner().invoke(args=arguments)


def rows(app: Flask, *options: str) -> object:
    done = run(app, "slots", "--json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def row(holder: object, postgresql: int, in_redis: int | None) -> dict[str, object]:
    drift = None if in_redis is None else in_redis - postgresql
    return {"holder": str(holder), "postgresql": postgresql, "redis": in_redis, "drift": drift}


def test_slots_without_holders_are_a_table_of_one_line(environment: dict[str, str]) -> None:
    done = flask(environment, "slots")
    assert done.returncode == 0, done.stderr
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["holder", "PostgreSQL", "Redis", "drift"]
    assert line.split() == ["global", "0", "0", "0"]


def test_slots_are_shown_by_holder(app: Flask, holders: list[UUID]) -> None:
    done = run(app, "slots")
    assert done.exit_code == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert lines == [["global", "3", "3", "0"], [str(holders[0]), "2", "2", "0"], [str(holders[1]), "1", "1", "0"]]
    assert rows(app) == [row("global", 3, 3), row(holders[0], 2, 2), row(holders[1], 1, 1)]


def test_slots_show_what_drifted_and_rebuild_puts_it_right(
    app: Flask, holders: list[UUID], redis_client: "redis.Redis"
) -> None:
    stranger = uuid4()
    redis_client.delete(f"concurrency:user:{holders[0]}", f"concurrency:user:{holders[0]}:numbers")
    for key in (f"concurrency:user:{stranger}", "concurrency:global"):
        redis_client.zadd(key, {str(uuid4()): 1})
        redis_client.zadd(f"{key}:numbers", {str(uuid4()): 9})
    drifted = [row(holders[0], 2, 0), row(holders[1], 1, 1), row(stranger, 0, 1)]
    assert rows(app) == [row("global", 3, 4), *sorted(drifted, key=lambda shown: str(shown["holder"]))]
    table = run(app, "slots").stdout
    assert "+1" in table
    assert "-2" in table
    assert rows(app, "--rebuild") == [row("global", 3, 3), row(holders[0], 2, 2), row(holders[1], 1, 1)]


def test_slots_without_redis_say_that_it_is_away(environment: dict[str, str], holders: list[UUID]) -> None:
    environment["REDIS_URL"] = f"redis://{NOWHERE}/0"
    done = flask(environment, "slots", "--rebuild", "--json")
    assert done.returncode == 0, done.stderr
    expected = [row("global", 3, None), row(holders[0], 2, None), row(holders[1], 1, None)]
    assert json.loads(done.stdout) == expected


def test_a_table_without_redis_says_that_it_is_away(clean: None, settings: Settings) -> None:
    with serving(settings, redis_url=f"redis://{NOWHERE}/0") as app:
        done = run(app, "slots")
    assert done.stdout.splitlines()[1].split() == ["global", "0", "away", "?"]
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["redis_unavailable"]


@contextmanager
def serving(settings: Settings, **changed: Any) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, **changed))
        yield app
        app.extensions["services"].close()


@pytest.mark.parametrize("command", ["slots", "migrate"])
def test_a_command_without_a_database_ends_with_one_clear_line(settings: Settings, command: str) -> None:
    with serving(settings, database_url=f"postgresql://nobody:hunter2@{NOWHERE}/nothing") as app:
        done = run(app, command)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "\nError: The database can't be used: " in f"\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_slots_of_an_unmigrated_database_say_what_to_run(settings: Settings, empty_database_url: str) -> None:
    with serving(settings, database_url=empty_database_url) as app:
        done = run(app, "slots")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: The database is not migrated: run `make migrate`.")


def test_migrate_brings_a_database_up_to_date_once(settings: Settings, empty_database_url: str) -> None:
    with serving(settings, database_url=empty_database_url) as app:
        first = run(app, "migrate")
        assert (first.exit_code, first.stdout) == (0, "The database is up to date.\n"), first.stderr
        assert "migration_applied" in first.stderr
        second = run(app, "migrate")
        assert (second.exit_code, second.stdout, second.stderr) == (0, "The database is up to date.\n", "")
        assert rows(app) == [row("global", 0, 0)]


def test_a_command_without_settings_names_them(environment: dict[str, str]) -> None:
    del environment["DATABASE_URL"]
    environment["JWT_SECRET"] = "hunter2"
    done = flask(environment, "slots")
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "JWT_SECRET" in done.stderr
    assert "hunter2" not in done.stderr
