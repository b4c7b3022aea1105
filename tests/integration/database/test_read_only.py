"""A database that takes no writes for a while: clean refusals meanwhile, and all is well soon afterwards."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import DictRow, dict_row

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from stack.postgres import PostgresServer
from tests.answers import assert_error
from tests.conftest import WaitUntil
from tests.integration.database.read_only import WRITES, read_only
from tests.integration.factories import Course, MakeToken, insert_course
from tests.logs import logging_restored

UNAVAILABLE = "The service is temporarily unavailable. Please try again."
AT_ONCE = 6

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        migrate(server.url)
        yield server


@pytest.fixture
def admin(server: PostgresServer) -> Iterator[psycopg.Connection[DictRow]]:
    with psycopg.connect(server.url, autocommit=True, row_factory=dict_row, options=WRITES) as conn:
        yield conn


@pytest.fixture
def client(clean: None, settings: Settings, server: PostgresServer) -> Iterator[FlaskClient]:
    with logging_restored():
        app = create_app(replace(settings, database_url=server.url, global_concurrency_limit=100))
        yield app.test_client()
        app.extensions["services"].close()


@pytest.fixture
def ask(client: FlaskClient, token: MakeToken) -> Ask:
    """Posts as the course's owner; "generate" and "cancel"."""

    def ask(course: Course, what: str) -> Any:
        headers = {"Authorization": f"Bearer {token(course.user_id)}"}
        if what == "generate":
            return client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=headers)
        return client.open(
            f"/api/courses/{course.slug}/{what}", method="POST" if what == "cancel" else "GET", headers=headers
        )

    return ask


def assert_refused_and_unready(client: FlaskClient, ask: Ask, active: Course, courses: list[Course]) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json["checks"]["database"]) == (503, "read-only")  # type: ignore[index]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        refusals = list(threads.map(lambda course: ask(course, "generate"), courses))
    for refusal in [*refusals, ask(active, "cancel")]:
        assert_error(refusal, 503, UNAVAILABLE, "unavailable")
        assert int(refusal.headers["Retry-After"]) > 0
    assert ask(active, "check-status").status_code == 200


def assert_serves(ask: Ask, courses: list[Course], conn: psycopg.Connection[DictRow]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert [r.status_code for r in threads.map(lambda course: ask(course, "generate"), courses)] == [200] * AT_ONCE
    assert conn.execute("select event_type::text from system_metrics").fetchall() == []


def test_what_a_session_was_opened_with_does_not_outlast_the_window(
    client: FlaskClient, ask: Ask, server: PostgresServer, admin: psycopg.Connection[DictRow], wait_until: WaitUntil
) -> None:
    active, *courses = [insert_course(admin) for _ in range(AT_ONCE + 1)]
    assert ask(active, "generate").status_code == 200
    admin.close()
    with read_only(server):
        wait_until(lambda: client.get("/readyz").json["checks"]["database"] == "read-only")  # type: ignore[index]
        assert_refused_and_unready(client, ask, active, courses)
    wait_until(lambda: client.get("/readyz").status_code == 200, 10)
    with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as conn:
        assert_serves(ask, courses, conn)


@contextmanager
def standby(server: PostgresServer) -> Iterator[None]:
    """Inside the block the server is a standby; then it is promoted."""
    (server.folder / "data" / "standby.signal").touch()
    server.restart()
    yield
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute("select pg_promote()")


def test_a_primary_that_becomes_a_standby_and_is_promoted(
    client: FlaskClient, ask: Ask, server: PostgresServer, wait_until: WaitUntil
) -> None:
    with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as conn:
        active, *courses = [insert_course(conn) for _ in range(AT_ONCE + 1)]
    assert ask(active, "generate").status_code == 200
    with standby(server):
        wait_until(lambda: client.get("/readyz").json["checks"]["database"] == "read-only")  # type: ignore[index]
        assert_refused_and_unready(client, ask, active, courses)
    wait_until(lambda: client.get("/readyz").status_code == 200, 10)
    with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as conn:
        assert_serves(ask, courses, conn)
