"""Admission while things break: transient errors, lost connections, commits that vanish, servers that hang."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import redis
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from app.database.deadline import deadline
from app.generation.database_errors import is_unavailable
from app.generation.errors import AdmissionFailed, OutcomeUnknown
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit, nothing_started, rows
from tests.integration.generation.proxy import Fault, proxied

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
MakeServices = Callable[..., Services]

RAISE = """
create or replace function fail_job() returns trigger language plpgsql security definer as $$
begin
    if nextval('failures') <= {times} then raise exception 'made to fail' using errcode = '{code}'; end if;
    return new;
end $$;
create sequence failures;
grant usage on sequence failures to public;
create trigger fail_job before insert on procrastinate_jobs for each row execute function fail_job();
"""


@pytest.fixture
def failing_jobs(conn: Connection) -> Any:
    """Makes the next inserts of a job fail with a SQLSTATE."""

    def fail(code: str, times: int) -> None:
        conn.execute(RAISE.format(code=code, times=times))

    yield fail
    conn.execute("drop trigger if exists fail_job on procrastinate_jobs")
    conn.execute("drop function if exists fail_job")
    conn.execute("drop sequence if exists failures")


def event_types(services: Services, conn: Connection) -> list[str]:
    services.events.flush()
    return sorted(row["event_type"] for row in rows(conn, "select event_type::text from system_metrics"))


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57P01"])
def test_a_transient_error_is_tried_again_and_logged(
    services: Services,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    failing_jobs: Callable[[str, int], None],
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    failing_jobs(code, 3)
    began = time.monotonic()
    generation_id = admit_course(services, make_course())
    assert time.monotonic() - began >= 0.7  # after 100, 200 and 400 ms
    assert rows(conn, "select id from coursegen.generations") == [{"id": generation_id}]
    assert len(rows(conn, "select 1 from procrastinate_jobs")) == 1
    assert caplog.messages.count("transaction_retry") == 3


def test_after_the_last_failure_all_is_rolled_back_and_recorded(
    services: Services,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    failing_jobs: Callable[[str, int], None],
) -> None:
    failing_jobs("40001", 4)
    course = make_course()
    with pytest.raises(AdmissionFailed):
        admit_course(services, course)
    assert nothing_started(conn)
    assert redis_client.zcard("concurrency:global") == 0
    assert event_types(services, conn) == ["job_rollback", "rpc_retry_exhausted"]
    admit_course(services, course)


def test_any_other_error_is_not_tried_again(
    services: Services,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    failing_jobs: Callable[[str, int], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing_jobs("23514", 1)
    with pytest.raises(AdmissionFailed):
        admit_course(services, make_course())
    assert "transaction_retry" not in caplog.messages
    assert nothing_started(conn)
    assert redis_client.zcard("concurrency:global") == 0
    assert event_types(services, conn) == ["job_rollback"]


#: Every order is one statement, without a commit of its own on the wire.
STATEMENT = b"admit_generations_v2"
EITHER = pytest.mark.parametrize("webhook_url", [None, "https://example.org/hook"], ids=["plain", "webhook"])

STAGE_JOBS = "select 1 from procrastinate_jobs where queue_name = 'stages'"


def test_a_connection_lost_before_the_commit_leaves_nothing_half_done(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        proxy.arm(STATEMENT, Fault.CUT_BEFORE)
        generation_id = admit_course(services, make_course(), webhook_url="https://example.org/hook")
    assert rows(conn, "select id from coursegen.generations") == [{"id": generation_id}]
    assert len(rows(conn, STAGE_JOBS)) == 1


@EITHER
@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
@pytest.mark.parametrize("with_redis", [True, False])
def test_a_connection_lost_during_the_commit_admits_exactly_once(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
    webhook_url: str | None,
    fault: Fault,
    with_redis: bool,
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(limit=1, database_url=proxy.url, with_redis=with_redis)
        course = make_course()
        proxy.arm(STATEMENT, fault)
        generation_id = admit_course(services, course, webhook_url=webhook_url)
    assert rows(conn, "select id from coursegen.generations") == [{"id": generation_id}]
    assert len(rows(conn, STAGE_JOBS)) == 1
    assert rows(conn, "select status from courses") == [{"status": "initializing"}]


@EITHER
@pytest.mark.parametrize(("fault", "committed"), [(Fault.CUT_BEFORE, 0), (Fault.CUT_AFTER, 1)])
def test_an_outcome_that_can_not_be_known_is_said_to_be_so_and_keeps_the_slot(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
    webhook_url: str | None,
    fault: Fault,
    committed: int,
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        course = make_course()
        proxy.arm(STATEMENT, fault, refuse_after=True)
        with pytest.raises(OutcomeUnknown), deadline(3):
            admit_course(services, course, webhook_url=webhook_url)
        assert redis_client.zcard("concurrency:global") == 1
    assert len(rows(conn, "select 1 from coursegen.generations")) == len(rows(conn, STAGE_JOBS)) == committed
    started = rows(conn, "select 1 from courses where status = 'initializing'")
    assert len(started) == committed


@pytest.mark.parametrize(
    ("word", "webhook_url", "unknown"),
    [
        (b"active_generation", None, False),
        (STATEMENT, None, True),
        (STATEMENT, "https://example.org/hook", True),
    ],
)
def test_a_database_that_hangs_is_given_up_at_the_deadline(
    make_services_with: MakeServices,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
    word: bytes,
    webhook_url: str | None,
    unknown: bool,
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        course = make_course()
        proxy.arm(word, Fault.FREEZE, times=20)
        began = time.monotonic()
        with pytest.raises((OutcomeUnknown, AdmissionFailed, psycopg.OperationalError)) as failed, deadline(1):
            admit_course(services, course, webhook_url=webhook_url)
        assert time.monotonic() - began < 3
        assert isinstance(failed.value, OutcomeUnknown) == unknown
        assert redis_client.zcard("concurrency:global") == int(unknown)


def test_without_a_free_connection_nothing_is_tried(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_course: Admit
) -> None:
    services = make_services_with(pool_size=1)
    course = make_course()
    with services.db.connection(), pytest.raises(PoolTimeout) as refused, deadline(1):
        admit_course(services, course)
    assert is_unavailable(refused.value)


def test_a_database_that_is_away_refuses_within_the_deadline_and_serves_when_it_is_back(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        admit_course(services, make_course())
        proxy.refuse()
        course = make_course()
        began = time.monotonic()
        with pytest.raises((psycopg.OperationalError, AdmissionFailed)) as failed, deadline(4.5):
            admit_course(services, course)
        assert time.monotonic() - began < 5
        assert is_unavailable(failed.value) or isinstance(failed.value, AdmissionFailed)
        proxy.refuse(False)
        back = time.monotonic()
        while time.monotonic() - back < 10:
            with suppress(psycopg.OperationalError, AdmissionFailed):
                admit_course(services, course)
                break
        assert len(rows(conn, "select 1 from coursegen.generations")) == 2
