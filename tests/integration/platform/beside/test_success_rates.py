"""`metrics success_rate` counts what either stack ended, each end once."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from tests.integration.platform.beside.old_stack import OldStack
from tests.integration.platform.conftest import PASSWORD, MakePlatform, login
from tests.integration.platform.courses import (
    Connection,
    admit,
    cancel_as_user,
    connect,
    nth_course,
    set_value,
    write,
)
from tests.logs import logging_restored

WAY = ["analyzing_task", "generating_structure", "generating_content", "finalizing"]


@pytest.fixture(params=["before", "stage1", "newest"])
def age(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(make_platform: MakePlatform, age: str) -> str:
    url = make_platform(age)
    migrate(url)
    return url


@pytest.fixture
def conn(url: str) -> Iterator[Connection]:
    with connect(url) as conn:
        yield conn


@pytest.fixture
def app(clean: None, url: str, platform_server: str, settings: Settings) -> Iterator[Flask]:
    """Commands by a member of the service's role alone."""
    with connect(platform_server) as admin, logging_restored():
        admin.execute(f"create role reader login password '{PASSWORD}' in role coursegen_app".encode())
        beside = replace(settings, database_url=login(url, "reader"), old_stack="beside", redis_prefix="coursegen:")
        app = create_app(beside)
        try:
            yield app
        finally:
            app.extensions["services"].close()
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
            admin.execute("drop role reader")


def rates(app: Flask) -> Any:
    said = app.test_cli_runner().invoke(args=["metrics", "success_rate", "--format", "json"])
    assert said.exit_code == 0, said.output
    return {row.pop("source"): tuple(row.values()) for row in json.loads(said.stdout)}


def under_way(app: Flask) -> Any:
    found = json.loads(app.test_cli_runner().invoke(args=["doctor", "--json"]).stdout)
    return [row["found"] for row in found if row["check"] == "old stack"]


def generate(conn: Connection, course: UUID, end: str) -> None:
    generation = admit(conn, course)
    for status in WAY:
        write(conn, course, status)
    conn.execute("select coursegen.end_generation(%s, %s, '[]')", [generation, end])


def test_each_end_counts_for_the_stack_that_made_it(app: Flask, conn: Connection, redis_url: str, age: str) -> None:
    ours, both = nth_course(1), nth_course(2)
    for end in ("completed", "completed", "failed", "cancelled"):
        generate(conn, ours, end)
    generate(conn, both, "completed")
    if age == "before":
        assert rates(app) == {"http": (5, 3, 1, 1, 75.0)}
        assert under_way(app) == ["0 courses under way"]
        return
    old = OldStack(conn, redis_url)
    for course, end in ((both, "completed"), (nth_course(3), "failed"), (nth_course(3), "completed")):
        old.form(course)
        old.begin(course)
        old.walk(course, end)
    old.begin(nth_course(4))
    old.begin(nth_course(5))
    cancel_as_user(conn, nth_course(5))
    assert under_way(app) == ["1 courses under way"]
    admit(conn, ours)
    cancel_as_user(conn, ours)  # the platform cancels one of ours
    conn.execute("select coursegen.settle_generation_v1(id, '') from coursegen.generations where finished_at is null")
    assert rates(app) == {"http": (6, 3, 1, 2, 75.0), "old_stack": (4, 2, 1, 1, 66.7)}


@pytest.mark.parametrize("age", ["stage1"], indirect=True)
def test_without_a_history_the_last_end_of_each_course_counts(app: Flask, conn: Connection) -> None:
    conn.execute("drop table generation_status_history cascade; drop trigger trg_log_generation_status on courses")
    generate(conn, nth_course(1), "completed")
    for number, value in ((2, "completed"), (3, "failed"), (4, "generating_content")):
        set_value(conn, nth_course(number), value)
        conn.execute("update courses set last_progress_update = now() where id = %s", [nth_course(number)])
    assert rates(app) == {"http": (1, 1, 0, 0, 100.0), "old_stack": (2, 1, 1, 0, 50.0)}
    assert under_way(app) == ["1 courses under way"]
