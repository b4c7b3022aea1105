"""One Redis for both stacks: each counts its own generations, and neither breaks the other's keys."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from tests.integration.factories import MakeToken
from tests.integration.platform.beside.old_stack import SYSTEM_LIMIT, OldStack
from tests.integration.platform.conftest import MakePlatform
from tests.integration.platform.courses import BOB, Connection, connect, nth_course
from tests.logs import logging_restored


@pytest.fixture
def url(make_platform: MakePlatform) -> str:
    url = make_platform("stage1")
    migrate(url)
    return url


@pytest.fixture
def conn(clean: None, url: str) -> Iterator[Connection]:
    with connect(url) as conn:
        yield conn


@pytest.fixture
def old(conn: Connection, redis_url: str) -> OldStack:
    return OldStack(conn, redis_url)


@pytest.fixture
def client(request: pytest.FixtureRequest, conn: Connection, url: str, settings: Settings) -> Iterator[FlaskClient]:
    with logging_restored():
        app = create_app(replace(settings, database_url=url, redis_prefix=getattr(request, "param", "")))
        yield app.test_client()
        app.extensions["services"].close()


def start(client: FlaskClient, token: MakeToken, number: int) -> Any:
    headers = {"Authorization": f"Bearer {token(BOB, 'PREMIUM')}"}
    return client.post("/api/coursegen/generate", json={"courseId": str(nth_course(number))}, headers=headers)


def end_all(conn: Connection) -> None:
    conn.execute(
        "select coursegen.end_generation(id, 'failed', '[]') from coursegen.generations where finished_at is null"
    )


@pytest.mark.parametrize("client", ["coursegen:"], indirect=True)
@pytest.mark.parametrize("first", ["old", "ours"])
def test_with_a_prefix_both_admit_up_to_their_limits(
    client: FlaskClient, old: OldStack, conn: Connection, token: MakeToken, first: str
) -> None:
    ours, theirs = range(1, 1 + SYSTEM_LIMIT), range(11, 11 + SYSTEM_LIMIT)
    order = [("old", n) for n in theirs] + [("ours", n) for n in ours]
    for who, number in order if first == "old" else reversed(order):
        if who == "old":
            assert old.start(nth_course(number))
        else:
            assert start(client, token, number).status_code == 200
    assert not old.start(nth_course(20))
    assert start(client, token, 21).json["code"] == "system_limit"
    for number in theirs:
        old.walk(nth_course(number))
        for _ in range(4):  # a release a step: below zero
            old.release(nth_course(number))
    counts = old.counts()
    assert set(counts.values()) == {str(SYSTEM_LIMIT - 4 * SYSTEM_LIMIT)}
    assert start(client, token, 21).json["code"] == "system_limit"
    assert old.counts() == counts


def test_without_one_the_old_keys_stay_and_postgresql_counts_ours(
    client: FlaskClient, old: OldStack, conn: Connection, token: MakeToken
) -> None:
    for number in range(SYSTEM_LIMIT):
        assert old.start(nth_course(11 + number))
    counts = old.counts()
    for number in range(SYSTEM_LIMIT):
        assert start(client, token, 1 + number).status_code == 200
    assert start(client, token, 5).json["code"] == "system_limit"
    end_all(conn)
    assert start(client, token, 5).status_code == 200
    ready: Any = client.get("/readyz").json
    assert ready["checks"]["redis"].endswith("set REDIS_PREFIX")
    assert old.counts() == counts
    old.release(nth_course(11))
    assert old.start(nth_course(14))


def test_the_old_keys_hold_no_course_of_this_service(
    client: FlaskClient, old: OldStack, conn: Connection, token: MakeToken, redis_url: str
) -> None:
    """A count that went below zero, one that is no number, and one of nobody."""
    old.redis.set("concurrency:global", -7)
    old.redis.set(f"concurrency:user:{BOB}", "many")
    old.redis.set(f"concurrency:user:{UUID(int=0)}", 99)
    counts = old.counts()
    assert start(client, token, 1).status_code == 200
    assert old.counts() == counts
