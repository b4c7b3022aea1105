"""What the pool of connections promises of its transactions."""

import psycopg
import pytest

from app.database import pool as database
from app.database.pool import Database
from tests.integration.factories import MakeCourse

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
