"""Events: written within a second, merged where equal, kept while the database is away."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.events import Event, EventBuffer, EventType, Severity
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.operations.generations.filters import STATUSES
from app.services import Services
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import proxied

Connection = psycopg.Connection[DictRow]
MakeServices = Callable[..., Services]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("metric_event_type", [member.value for member in EventType]),
        ("metric_severity", [member.value for member in Severity]),
        ("coursegen.tier", [member.value for member in Tier]),
        ("coursegen.stage", [member.value for member in Stage]),
        ("coursegen.generation_status", list(STATUSES)),
    ],
)
def test_the_databases_enums_are_pythons(conn: Connection, name: str, members: list[str]) -> None:
    [row] = rows(conn, "select enum_range(null::" + name + ")::text[] as members")
    assert row["members"] == members


def wait_for_rows(conn: Connection, number: int, within: float) -> list[DictRow]:
    end = time.monotonic() + within
    while len(found := rows(conn, 'select * from system_metrics order by "timestamp"')) < number:
        assert time.monotonic() < end, f"{len(found)} of {number} events after {within} s"
    return found


def test_an_event_is_a_row_within_a_second_with_its_own_time(services: Services, conn: Connection) -> None:
    user, course, an_hour_ago = uuid4(), uuid4(), time.monotonic() - 3600
    services.events.add(Event(EventType.JOB_ROLLBACK, user, course, "job", {"имя": "значение"}, an_hour_ago))
    [row] = wait_for_rows(conn, 1, within=2)
    assert (row["event_type"], row["severity"]) == ("job_rollback", "error")
    assert (row["user_id"], row["course_id"], row["job_id"]) == (user, course, "job")
    assert row["metadata"] == {"имя": "значение"}
    assert abs(datetime.now(UTC) - timedelta(hours=1) - row["timestamp"]) < timedelta(seconds=3)


def test_equal_refusals_of_one_user_are_one_row_with_their_count(services: Services, conn: Connection) -> None:
    user, other = uuid4(), uuid4()
    for who, limit in [(user, "user")] * 5 + [(user, "system")] + [(other, "user")]:
        services.events.add(Event(EventType.CONCURRENCY_LIMIT_HIT, who, metadata={"limit": limit}))
    services.events.flush()
    found = {(row["user_id"], row["metadata"]["limit"]): row["metadata"].get("count") for row in rows_of(conn)}
    assert found == {(user, "user"): 5, (user, "system"): None, (other, "user"): None}


def test_so_are_equal_requests_for_a_course_under_way(services: Services, conn: Connection) -> None:
    user, other, course = uuid4(), uuid4(), uuid4()
    for who, what in [(user, course)] * 3 + [(user, uuid4()), (other, course)]:
        services.events.add(Event(EventType.DUPLICATE_JOB_DETECTED, who, what))
    services.events.flush()
    found = {(row["user_id"], row["course_id"]): row["metadata"].get("count") for row in rows_of(conn)}
    assert len(found) == 3
    assert found[user, course] == 3
    assert found[other, course] is None


def test_what_could_not_be_written_is_counted_with_what_came_since(services: Services, conn: Connection) -> None:
    away, user = True, uuid4()

    @contextmanager
    def statement() -> Iterator[Connection]:
        if away:
            raise psycopg.OperationalError("away")
        with services.db.statement() as connection:
            yield connection

    buffer = EventBuffer(statement, capacity=2, interval_s=60)
    for limit in ("user", "system", "user"):
        buffer.add(Event(EventType.CONCURRENCY_LIMIT_HIT, user, metadata={"limit": limit}))
    assert not buffer.flush()
    for limit in ("system", "user", "user"):
        buffer.add(Event(EventType.CONCURRENCY_LIMIT_HIT, user, metadata={"limit": limit}))
    buffer.add(Event(EventType.JOB_ROLLBACK, user))
    assert not buffer.flush()
    away = False
    assert buffer.flush()
    assert {(row["metadata"]["limit"], row["metadata"]["count"]) for row in rows_of(conn)} == {
        ("user", 4),
        ("system", 2),
    }
    assert buffer.dropped == 1
    buffer.close()


def test_events_whose_writing_has_an_unknown_outcome_are_written_once(services: Services, conn: Connection) -> None:
    user = uuid4()

    @contextmanager
    def statement_whose_response_is_lost() -> Iterator[Connection]:
        with services.db.statement() as connection:
            yield connection
        if len(rows_of(conn)) < 3:
            raise psycopg.OperationalError("lost")

    buffer = EventBuffer(statement_whose_response_is_lost, interval_s=60)
    buffer.add(Event(EventType.CONCURRENCY_LIMIT_HIT, user, metadata={"limit": "user"}))
    buffer.add(Event(EventType.JOB_ROLLBACK, user))
    assert not buffer.flush()
    buffer.add(Event(EventType.CONCURRENCY_LIMIT_HIT, user, metadata={"limit": "user"}))
    buffer.add(Event(EventType.JOB_ROLLBACK, user))
    assert buffer.flush()
    found = [(row["event_type"], row["metadata"].get("count")) for row in rows_of(conn)]
    assert sorted(found, key=str) == [("concurrency_limit_hit", 2), ("job_rollback", None), ("job_rollback", None)]
    buffer.close()


def test_events_that_wait_are_written_when_the_buffer_is_closed(services: Services, conn: Connection) -> None:
    buffer = EventBuffer(services.db.statement, interval_s=60)
    buffer.add(Event(EventType.JOB_ROLLBACK))
    buffer.close()
    assert len(rows_of(conn)) == 1


def test_other_events_are_never_merged(services: Services, conn: Connection) -> None:
    user = uuid4()
    for _ in range(3):
        services.events.add(Event(EventType.JOB_ROLLBACK, user))
    services.events.flush()
    assert len(rows_of(conn)) == 3


def test_an_event_raised_while_the_database_is_away_is_written_when_it_is_back(
    make_services_with: MakeServices, conn: Connection, database_url: str
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        proxy.refuse()
        services.events.add(Event(EventType.JOB_ROLLBACK))
        raised = datetime.now(UTC)
        assert not services.events.flush()
        proxy.refuse(False)
        [row] = wait_for_rows(conn, 1, within=15)
        assert abs(row["timestamp"] - raised) < timedelta(seconds=1)


def test_a_full_buffer_drops_and_counts(services: Services, conn: Connection) -> None:
    buffer = EventBuffer(services.db.statement, capacity=2, interval_s=60)
    for _ in range(5):
        buffer.add(Event(EventType.JOB_ROLLBACK))
    buffer.flush()
    assert (len(rows_of(conn)), buffer.dropped) == (2, 3)
    buffer.close()


def test_an_event_the_database_can_not_store_holds_up_no_other(services: Services, conn: Connection) -> None:
    services.events.add(Event(EventType.JOB_ROLLBACK, job_id="nul \0 byte"))
    assert services.events.flush()
    assert services.events.dropped == 1
    services.events.add(Event(EventType.JOB_ROLLBACK))
    services.events.flush()
    assert len(rows_of(conn)) == 1


def rows_of(conn: Connection) -> list[dict[str, Any]]:
    return rows(conn, "select * from system_metrics")
