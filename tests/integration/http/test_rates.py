"""How often one user may start and cancel: counted in PostgreSQL, so for all processes of the API together."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import DictRow

from app import create_app
from app.generation.audit import Actor
from app.generation.tiers import Tier
from app.operations.actions import start
from app.settings import Settings
from tests.integration.conftest import NO_REDIS
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.logs import logging_restored
from tests.trpc import errors, mutate

Conn = psycopg.Connection[DictRow]

LIMIT = 6


@pytest.fixture
def clients(clean: None, settings: Settings) -> Iterator[list[FlaskClient]]:
    """Clients of three processes' applications, one of them without Redis."""
    usual = replace(settings, starts_and_cancels_per_minute=LIMIT)
    with logging_restored(), ExitStack() as stack:
        apps = [create_app(usual), create_app(usual), create_app(replace(usual, redis_url=NO_REDIS))]
        for app in apps:
            stack.callback(app.extensions["services"].close)
        yield [app.test_client() for app in apps]


class User:
    """A user who starts and cancels a course."""

    def __init__(self, course: Course, token: str) -> None:
        self.course = course
        self.headers = {"Authorization": f"Bearer {token}"}

    def start(self, client: FlaskClient, key: str | None = None) -> Any:
        headers = self.headers if key is None else {**self.headers, "Idempotency-Key": key}
        return client.post("/api/coursegen/generate", json={"courseId": str(self.course.id)}, headers=headers)

    def cancel(self, client: FlaskClient, course: Course | None = None) -> Any:
        return client.post(f"/api/courses/{(course or self.course).id}/cancel", headers=self.headers)


@pytest.fixture
def user(make_course: MakeCourse, token: MakeToken) -> User:
    course = make_course()
    return User(course, token(course.user_id))


def spend(user: User, clients: list[FlaskClient]) -> None:
    """All starts and cancels of a minute. The process without Redis can't release there, so it cancels nothing."""
    for number in range(LIMIT // 2):
        assert user.start(clients[number % len(clients)]).status_code == 200
        assert user.cancel(clients[number % 2]).status_code == 200


def assert_rate_limited(response: Any) -> None:
    assert response.status_code == 429
    assert response.json["code"] == "rate_limited"
    assert response.json["error"] == f"Too many starts and cancels: at most {LIMIT} a minute"
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_starts_and_cancels_count_together_and_in_every_process(
    clients: list[FlaskClient], user: User, conn: Conn
) -> None:
    spend(user, clients)
    for client in clients:
        assert_rate_limited(user.start(client))
    counts = conn.execute("select count(*) from coursegen.generations").fetchone()
    assert counts == {"count": LIMIT // 2}


def test_a_cancel_is_refused_too_and_leaves_the_generation(clients: list[FlaskClient], user: User, conn: Conn) -> None:
    spend(user, clients)
    conn.execute(
        "update coursegen.generations set created_at = created_at - interval '61 s' where id in"
        " (select id from coursegen.generations order by id limit 1)"
    )
    assert user.start(clients[0]).status_code == 200
    for client in clients:
        assert_rate_limited(user.cancel(client))
    row = conn.execute("select status::text from coursegen.generations where finished_at is null").fetchone()
    assert row == {"status": "queued"}


def test_only_the_last_minute_counts_and_retry_after_says_how_much_of_it_is_left(
    clients: list[FlaskClient], user: User, conn: Conn
) -> None:
    spend(user, clients)
    conn.execute(
        "update coursegen.generations set created_at = now() - interval '50 s', finished_at = now() - interval '50 s'"
    )
    response = user.start(clients[0])
    assert_rate_limited(response)
    assert 1 <= int(response.headers["Retry-After"]) <= 10
    conn.execute(
        "update coursegen.generations set created_at = now() - interval '61 s', finished_at = now() - interval '61 s'"
    )
    assert user.start(clients[0]).status_code == 200


def test_others_start_and_cancel_meanwhile(
    clients: list[FlaskClient], user: User, make_course: MakeCourse, token: MakeToken
) -> None:
    spend(user, clients)
    course = make_course()
    other = User(course, token(course.user_id))
    assert other.start(clients[0]).status_code == 200
    assert other.cancel(clients[0]).status_code == 200


def test_a_repeat_of_an_earlier_request_is_answered_as_before(clients: list[FlaskClient], user: User) -> None:
    first = user.start(clients[0], "key-1")
    assert user.cancel(clients[0]).status_code == 200
    for _ in range(LIMIT // 2 - 1):
        assert user.start(clients[1]).status_code == 200
        assert user.cancel(clients[1]).status_code == 200
    repeated = user.start(clients[1], "key-1")
    assert (repeated.status_code, repeated.json) == (200, first.json)
    assert_rate_limited(user.start(clients[1], "key-2"))


def test_refused_requests_do_not_count(clients: list[FlaskClient], user: User) -> None:
    for _ in range(LIMIT):
        assert user.cancel(clients[0]).status_code == 409
    assert user.start(clients[0]).status_code == 200
    for _ in range(LIMIT):
        assert user.start(clients[0]).status_code == 409
    assert user.cancel(clients[0]).status_code == 200


def test_calls_of_one_batch_count_one_by_one(clients: list[FlaskClient], user: User) -> None:
    given = {"courseId": str(user.course.id)}
    paths = ["generation.initiate", "generation.cancel"] * LIMIT
    inputs = {str(index): given for index in range(len(paths))}
    response = mutate(clients[0], ",".join(paths), inputs, batch=True, headers=user.headers)
    assert response.status_code == 207
    assert isinstance(response.json, list)
    results, refused = response.json[:LIMIT], response.json[LIMIT:]
    assert all("result" in item for item in results)
    reasons = [item["error"]["data"]["reason"] for item in refused]
    assert reasons == ["rate_limited", "nothing_active"] * (LIMIT // 2)
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    [lone] = errors(mutate(clients[1], "generation.initiate", given, headers=user.headers))
    assert (lone["data"]["code"], lone["data"]["reason"]) == ("TOO_MANY_REQUESTS", "rate_limited")


def test_an_admins_cancels_of_others_courses_count_for_the_admin(
    clients: list[FlaskClient], make_course: MakeCourse, token: MakeToken
) -> None:
    admin = User(make_course(), token(uuid4(), app_metadata={"role": "superadmin"}))
    for number in range(LIMIT + 1):
        course = make_course()
        owner = User(course, token(course.user_id))
        assert owner.start(clients[0]).status_code == 200
        response = admin.cancel(clients[0], course)
        if number == LIMIT:
            assert_rate_limited(response)
        else:
            assert response.status_code == 200


def test_operators_are_not_bound(clients: list[FlaskClient], user: User) -> None:
    spend(user, clients)
    services = clients[0].application.extensions["services"]
    course = {"id": user.course.id, "user_id": user.course.user_id}
    assert isinstance(start(services, course, Tier.FREE, Actor("cli:test")), UUID)
