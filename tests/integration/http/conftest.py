"""Requests as clients make them, and what they leave behind."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any, Protocol
from uuid import UUID

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from app.settings import Settings
from app.telemetry.log import configure_logging
from tests.integration.factories import Course, MakeToken
from tests.logs import logging_restored

Headers = dict[str, str]
LogLines = Callable[[], list[dict[str, Any]]]
Conn = psycopg.Connection[DictRow]
CheckTraces = Callable[[], None]

LIMITS = {"FREE": 1, "BASIC": 2, "STANDARD": 3, "TRIAL": 5, "PREMIUM": 5}


class Generate(Protocol):
    def __call__(
        self, course_id: object, user_id: UUID, tier: str | None = None, headers: Headers | None = None, **fields: Any
    ) -> TestResponse: ...


class CheckStatus(Protocol):
    def __call__(
        self, slug: str, user_id: UUID, headers: Headers | None = None, method: str = "GET", **claims: Any
    ) -> TestResponse: ...


@pytest.fixture
def generate(client: FlaskClient, token: MakeToken) -> Generate:
    """A function that asks for the generation of a course as a user; `fields` go into the body."""

    def generate(
        course_id: object, user_id: UUID, tier: str | None = None, headers: Headers | None = None, **fields: Any
    ) -> TestResponse:
        authorization = {"Authorization": f"Bearer {token(user_id, tier)}"}
        body = {"courseId": str(course_id), **fields}
        return client.post("/api/coursegen/generate", json=body, headers={**authorization, **(headers or {})})

    return generate


@pytest.fixture
def check_status(client: FlaskClient, token: MakeToken) -> CheckStatus:
    """A function that asks how a course stands, as a user of these further claims."""

    def check_status(
        slug: str, user_id: UUID, headers: Headers | None = None, method: str = "GET", **claims: Any
    ) -> TestResponse:
        authorization = {"Authorization": f"Bearer {token(user_id, **claims)}"}
        path = f"/api/courses/{slug}/check-status"
        return client.open(path, method=method, headers={**authorization, **(headers or {})})

    return check_status


@pytest.fixture
def log_lines(client: FlaskClient, settings: Settings) -> Iterator[LogLines]:
    """A function that returns the log's lines since its last call, each checked to be one JSON object."""
    output = io.StringIO()
    with logging_restored():
        with redirect_stdout(output):
            configure_logging("api", settings.log_level, settings.app_env, settings.app_version)

        def read() -> list[dict[str, Any]]:
            text = output.getvalue()
            output.seek(0)
            output.truncate()
            lines = [json.loads(line) for line in text.split("\n")[:-1]]
            assert all(isinstance(line, dict) for line in lines)
            return lines

        yield read


@pytest.fixture
def assert_no_trace(conn: psycopg.Connection[DictRow], redis_client: "redis.Redis") -> Callable[[], None]:
    """A function that fails if there is a generation, a job, a holder of a slot, or a course that was touched."""

    def check() -> None:
        counts = conn.execute(
            """
            select
                (select count(*) from coursegen.generations) as generations,
                (select count(*) from procrastinate_jobs) as jobs,
                (select count(*) from courses where generation_started_at is not null or status is not null
                    or last_progress_update is not null or generation_progress ? 'steps') as started_courses
            """
        ).fetchone()
        assert counts == {"generations": 0, "jobs": 0, "started_courses": 0}
        assert held_slots(redis_client) == {}

    return check


def held_slots(redis_client: "redis.Redis") -> dict[str, int]:
    """How many holders each key has that has any."""
    keys = redis_client.scan_iter("concurrency:*", _type="zset")
    return {key: redis_client.zcard(key) for key in keys}


def only(conn: Conn, query: Any, *values: object) -> DictRow:
    """The one row of the query; there are no others."""
    rows = conn.execute(query, values).fetchall()
    assert len(rows) == 1
    return rows[0]


def change_step(conn: Conn, course: Course, step: int, status: str = "completed") -> None:
    conn.execute("select update_course_progress(%s, %s, %s, 'дальше')", [course.id, step, status])


def events(app: Flask, conn: Conn) -> list[DictRow]:
    """What was reported so far, in order."""
    assert app.extensions["services"].events.flush()
    return conn.execute("select * from system_metrics order by timestamp").fetchall()
