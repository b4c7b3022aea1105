import multiprocessing
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import psycopg
import pytest

from app.database import migration_session
from app.database.migration_session import LOCK, MigrationError
from app.database.migrations import migrate, missing
from tests.conftest import WaitUntil

#: A courses table that lacks columns, so that the migration needs it for itself.
COURSES = "create table courses (id uuid primary key, user_id uuid not null, title text not null, slug text not null)"
WAITS = "select count(*) from pg_locks where not granted and relation = 'courses'::regclass"


def lacks(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return missing(conn)


@pytest.fixture
def holder(new_database_url: str) -> Iterator[psycopg.Connection]:
    """Somebody who reads courses and has not ended the transaction."""
    with psycopg.connect(new_database_url, application_name="their-report") as conn:
        conn.execute(COURSES)
        conn.commit()
        conn.execute("select count(*) /* a report */ from courses")
        yield conn


def test_two_at_once_both_succeed(new_database_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        first, second = (done.result(60) for done in [pool.submit(migrate, new_database_url) for _ in range(2)])
    assert sorted((bool(first), bool(second))) == [False, True]
    assert lacks(new_database_url) == []


def test_another_migration_is_waited_for_and_named_when_it_does_not_end(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(new_database_url, application_name="the-other", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", (LOCK,))
        monkeypatch.setattr(migration_session, "TURN_PATIENCE_S", 0.5)
        with pytest.raises(MigrationError, match=rf"pid {conn.info.backend_pid} \(the-other, idle"):
            migrate(new_database_url)
    monkeypatch.undo()
    migrate(new_database_url)
    assert lacks(new_database_url) == []


def test_who_holds_a_lock_too_long_is_named_and_nothing_of_the_migration_stays(
    new_database_url: str, holder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_session, "LOCK_PATIENCE_S", 1.0)
    named = rf"pid {holder.info.backend_pid} \(their-report, idle in transaction, .*\): select count\(\*\) /\* a report"
    with pytest.raises(MigrationError, match=named):
        migrate(new_database_url)
    assert any(name.endswith("_coursegen") for name in lacks(new_database_url))
    with psycopg.connect(new_database_url) as conn:
        assert conn.execute("select to_regclass('coursegen.generations')").fetchone() == (None,)


def test_a_lock_that_is_released_in_time_only_delays_the_migration(
    new_database_url: str, holder: psycopg.Connection, wait_until: WaitUntil
) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(new_database_url, autocommit=True) as conn:
        migrated = pool.submit(migrate, new_database_url)
        for _ in range(3):  # it waits, gives up and comes again
            wait_until(lambda: conn.execute(WAITS).fetchone() == (1,))
            wait_until(lambda: conn.execute(WAITS).fetchone() == (0,))
        holder.rollback()
        migrated.result(30)
    assert lacks(new_database_url) == []


def test_nobody_queues_behind_a_waiting_migration_for_longer_than_a_moment(
    new_database_url: str, holder: psycopg.Connection, wait_until: WaitUntil
) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(new_database_url, autocommit=True) as conn:
        migrated = pool.submit(migrate, new_database_url)
        longest = 0.0
        for _ in range(3):
            wait_until(lambda: conn.execute(WAITS).fetchone() == (1,))
            asked = time.monotonic()
            conn.execute("select from courses")
            longest = max(longest, time.monotonic() - asked)
        holder.rollback()
        migrated.result(30)
    assert longest < 1.0  # 0.2 s on a quiet machine


def test_an_interrupted_migration_is_completed_by_the_next(
    new_database_url: str, holder: psycopg.Connection, wait_until: WaitUntil
) -> None:
    process = multiprocessing.get_context("spawn").Process(target=migrate, args=(new_database_url,))
    process.start()
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        wait_until(lambda: conn.execute(WAITS).fetchone() == (1,), within_s=60)
        process.kill()
        process.join(10)
        holder.rollback()
        assert re.match(r"2\d+_coursegen", lacks(new_database_url)[0])  # the queue is there
    migrate(new_database_url)
    assert lacks(new_database_url) == []
