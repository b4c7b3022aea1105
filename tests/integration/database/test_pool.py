"""What the pool of connections promises."""

import time
from contextlib import ExitStack

import psycopg
import pytest

from app.database import pool as database
from app.database.deadline import deadline
from app.database.pool import TRIAL_S, Database
from tests.integration.factories import MakeCourse
from tests.integration.generation.proxy import proxied

LOCK = "select 1 from courses where id = %(course_id)s for no key update"


def test_what_a_process_frozen_in_a_transaction_has_locked_is_free_again_in_time(
    database_url: str, make_course: MakeCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = "idle_in_transaction_session_timeout"
    assert database.LIMITS[timeout] == "5s"
    monkeypatch.setitem(database.LIMITS, timeout, "300ms")
    course = {"course_id": make_course().id}
    db = Database(database_url, 1)
    locked_by_another = None
    # It has fetched a result, and does nothing more: as if it were frozen.
    with pytest.raises(psycopg.Error, match="idle-in-transaction"), db.transaction() as conn:
        conn.execute(LOCK, course).fetchone()
        with psycopg.connect(database_url, options="-c lock_timeout=5s") as other:
            locked_by_another = other.execute(LOCK, course).fetchone()
    assert locked_by_another
    db.close()


def test_of_several_connections_that_fell_silent_only_the_first_is_waited_for(database_url: str) -> None:
    with proxied(database_url) as proxy:
        db = Database(proxy.url, 4)
        with ExitStack() as together:
            for _ in range(4):
                together.enter_context(db.connection()).execute("select 1")
        proxy.mute(new=False)
        with pytest.raises(psycopg.OperationalError), deadline(TRIAL_S + 0.5), db.connection() as conn:
            conn.execute("select 1")
        for _ in range(4):
            began = time.monotonic()
            with deadline(20), db.connection() as conn:
                conn.execute("select 1")
            assert time.monotonic() - began < 10  # far below the deadline
        db.close()


def test_a_deadline_too_short_to_judge_by_leaves_the_other_connections(database_url: str) -> None:
    db = Database(database_url, 2)
    with db.connection() as one, db.connection() as two:
        pids = {one.info.backend_pid, two.info.backend_pid}
    with pytest.raises(psycopg.OperationalError), deadline(0.3), db.connection() as conn:
        conn.execute("select pg_sleep(10)")
    with db.connection() as conn:
        assert conn.info.backend_pid in pids
    db.close()
