"""`/livez`, `/readyz` and the other routes while servers are up, down, hanging or not migrated."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest
import redis
from flask.testing import FlaskClient

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from stack.postgres import PostgresServer
from stack.redis import RedisServer
from tests.answers import assert_error, error_body
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse, MakeToken, insert_course
from tests.integration.http.conftest import Generate
from tests.logs import logging_restored

#: Nothing listens on the discard port of the loopback interface.
NO_DATABASE = "postgresql://nobody@127.0.0.1:9/nothing"
NO_REDIS = "redis://127.0.0.1:9/0"

GENERATE = "/api/coursegen/generate"
UNAVAILABLE = "The service is temporarily unavailable. Please try again."


@contextmanager
def serving(settings: Settings) -> Iterator[FlaskClient]:
    with logging_restored():
        app = create_app(settings)
        yield app.test_client()
        app.extensions["services"].close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """The process and its children hold every connection open and answer none."""
    parent = psutil.Process(pid)
    parent.suspend()  # first, so that no child ends unseen between here and its turn
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(processes):  # the parent last: it would have those that ended be gone
            process.resume()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A migrated server that nobody minds being frozen or stopped."""
    with PostgresServer() as server:
        migrate(server.url)
        yield server


def test_a_process_without_any_server_lives(settings: Settings) -> None:
    with serving(replace(settings, database_url=NO_DATABASE, redis_url=NO_REDIS)) as client, within(0.5):
        response = client.get("/livez")
        assert (response.status_code, response.json) == (200, {"status": "ok"})
        assert client.head("/livez").status_code == 200


def test_with_all_servers_there_it_is_ready(client: FlaskClient) -> None:
    with within(1):
        response = client.get("/readyz")
    assert response.status_code == 200
    checks = {"database": "ok", "migrations": "ok", "redis": "ok"}
    assert response.json == {"status": "ready", "checks": checks}


def test_without_redis_it_is_degraded_and_admits_all_the_same(
    clean: None, settings: Settings, make_course: MakeCourse, token: MakeToken
) -> None:
    with serving(replace(settings, redis_url=NO_REDIS)) as client:
        with within(1):
            response = client.get("/readyz")
        assert response.status_code == 200
        checks = {"database": "ok", "migrations": "ok", "redis": "unavailable"}
        assert response.json == {"status": "degraded", "checks": checks}
        course = make_course()
        headers = {"Authorization": f"Bearer {token(course.user_id)}"}
        assert client.post(GENERATE, json={"courseId": str(course.id)}, headers=headers).status_code == 200
        other = make_course(user_id=course.user_id)
        refused = client.post(GENERATE, json={"courseId": str(other.id)}, headers=headers)
        assert error_body(refused)["code"] == "user_limit"


def test_a_redis_that_hangs_costs_a_moment_and_no_admission(
    clean: None, settings: Settings, make_course: MakeCourse, token: MakeToken
) -> None:
    with RedisServer() as server, serving(replace(settings, redis_url=server.url)) as client:
        assert client.get("/readyz").json == {
            "status": "ready",
            "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
        }
        course = make_course()
        headers = {"Authorization": f"Bearer {token(course.user_id)}"}
        with frozen(server.pid), within(2):
            assert client.post(GENERATE, json={"courseId": str(course.id)}, headers=headers).status_code == 200
            answer = client.get("/readyz").json
            assert answer is not None
            assert answer["status"] == "degraded"


def test_without_the_database_it_is_unready_and_refuses_with_a_word(
    clean: None, settings: Settings, redis_client: "redis.Redis", token: MakeToken
) -> None:
    with serving(replace(settings, database_url=NO_DATABASE)) as client:
        with within(3):
            response = client.get("/readyz")
        assert response.status_code == 503
        checks = {"database": "unavailable", "migrations": "unknown", "redis": "ok"}
        assert response.json == {"status": "unready", "checks": checks}
        headers = {"Authorization": f"Bearer {token(uuid4())}"}
        with within(5):
            refused = client.post(GENERATE, json={"courseId": str(uuid4())}, headers=headers)
        assert_error(refused, 503, UNAVAILABLE, "unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert redis_client.keys("concurrency:*") == []


def test_on_an_unmigrated_database_it_is_unready_and_says_what_to_run(
    clean: None, settings: Settings, empty_database_url: str, token: MakeToken, redis_client: "redis.Redis"
) -> None:
    with serving(replace(settings, database_url=empty_database_url)) as client:
        with within(2):
            response = client.get("/readyz")
        answer: Any = response.json
        assert response.status_code == 503
        assert answer["status"] == "unready"
        assert answer["checks"]["database"] == "ok"
        assert "coursegen migrate" in answer["checks"]["migrations"]
        assert "begin_stage_v1" in answer["checks"]["migrations"]
        headers = {"Authorization": f"Bearer {token(uuid4())}"}
        refused = client.post(GENERATE, json={"courseId": str(uuid4())}, headers=headers)
        assert_error(refused, 503, UNAVAILABLE, "unavailable")
        migrate(empty_database_url)
        assert client.get("/readyz").status_code == 200
        refused = client.post(GENERATE, json={"courseId": str(uuid4())}, headers=headers)
        assert_error(refused, 404, "Course not found", "course_not_found")
        assert redis_client.keys("concurrency:*") == []


def test_a_database_that_hangs_is_answered_for_in_time_and_again_when_it_is_back(
    clean: None, settings: Settings, own_postgres: PostgresServer, token: MakeToken, wait_until: WaitUntil
) -> None:
    with serving(replace(settings, database_url=own_postgres.url)) as client:
        assert client.get("/readyz").status_code == 200
        with psycopg.connect(own_postgres.url, autocommit=True) as conn:
            course = insert_course(conn)
        headers = {"Authorization": f"Bearer {token(course.user_id)}"}
        with frozen(own_postgres.pid), within(5):
            refused = client.post(GENERATE, json={"courseId": str(course.id)}, headers=headers)
        assert_error(refused, 503, UNAVAILABLE, "unavailable")
        wait_until(lambda: client.get("/readyz").status_code == 200, 15)
        assert client.post(GENERATE, json={"courseId": str(course.id)}, headers=headers).status_code == 200


def test_a_database_that_restarts_is_found_again(
    clean: None, settings: Settings, own_postgres: PostgresServer, token: MakeToken, wait_until: WaitUntil
) -> None:
    with serving(replace(settings, database_url=own_postgres.url)) as client:
        headers = {"Authorization": f"Bearer {token(uuid4())}"}
        path = "/api/courses/x/check-status"
        assert client.get(path, headers=headers).status_code == 404
        own_postgres.restart()
        wait_until(lambda: client.get(path, headers=headers).status_code == 404, 10)
        assert client.get("/readyz").status_code == 200


def test_a_course_that_somebody_keeps_locked_is_answered_for_in_time(
    generate: Generate, make_course: MakeCourse, database_url: str
) -> None:
    course = make_course()
    with psycopg.connect(database_url) as holder:
        holder.execute("select from courses for no key update")
        with within(5):
            response = generate(course.id, course.user_id)
        holder.rollback()
    assert_error(response, 500, "Не удалось инициализировать генерацию курса. Попробуйте позже.", "admission_failed")
    assert generate(course.id, course.user_id).status_code == 200
