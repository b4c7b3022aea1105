"""A course's steps go along their edges, and the rest of the progress follows them."""

import itertools
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.sql.courses import EARLIER, NAMES, Connection, advance, new_course, now_of, progress_with, row_of

STATUSES = ["pending", "in_progress", "completed", "failed"]
EDGES = {
    "pending": {"in_progress", "completed", "failed"},
    "in_progress": {"completed", "failed", "pending"},
    "completed": set[str](),
    "failed": {"in_progress", "pending"},
}
EVERY_CALL = [
    pytest.param(step, old, new, id=f"step {step}: {old} to {new}")
    for step, old, new in itertools.product(range(1, 6), STATUSES, STATUSES)
]


@pytest.mark.parametrize(("step", "old", "new"), EVERY_CALL)
def test_a_step_goes_along_the_edges_and_nowhere_else(conn: Connection, step: int, old: str, new: str) -> None:
    before = progress_with(*["completed"] * (step - 1), old)
    course = new_course(conn, before)
    row = row_of(conn, course)

    after = advance(conn, course, step, new, "Новое", error_message="Беда", error_details={"why": "так"})

    if new not in EDGES[old]:
        assert row_of(conn, course) == row
        assert after == before
        return
    now = now_of(conn)
    started = None if new == "pending" else now if old == "pending" else EARLIER
    expected = progress_with(*["completed"] * (step - 1), new, message="Новое")
    expected["steps"][step - 1] = {
        "id": step,
        "name": NAMES[step - 1],
        "status": new,
        "started_at": started,
        "completed_at": now if new in ("completed", "failed") else None,
        "error": "Беда" if new == "failed" else None,
        "error_details": {"why": "так"} if new == "failed" else None,
    }
    assert after == expected
    assert row_of(conn, course) != row
    assert stored(conn, course) == expected


@pytest.mark.parametrize("status", ["in_progress", "completed", "failed"])
def test_the_same_call_twice_leaves_the_row_the_first_one_wrote(each_database_url: str, status: str) -> None:
    with psycopg.connect(each_database_url, autocommit=True) as conn:
        course = new_course(conn)
        first = advance(conn, course, 2, status, "Раз", metadata={"n": 1}, error_message="Беда")
        row = row_of(conn, course)
        second = advance(conn, course, 2, status, "Два", metadata={"n": 2}, error_message="Другая")
        assert second == first
        assert row_of(conn, course) == row


def test_a_late_call_undoes_nothing(conn: Connection) -> None:
    course = new_course(conn, progress_with("completed", "completed", "in_progress"))
    row = row_of(conn, course)
    for status in ("in_progress", "failed", "pending"):
        advance(conn, course, 2, status, "Поздно", metadata={"late": True})
    assert row_of(conn, course) == row


@pytest.mark.parametrize(
    ("statuses", "percentage", "current_step"),
    [
        ((), 0, 1),
        (("in_progress",), 10, 1),
        (("failed",), 0, 1),
        (("completed",), 20, 1),
        (("completed", "in_progress"), 30, 2),
        (("completed", "failed"), 20, 2),
        (("completed", "completed"), 40, 2),
        (("completed",) * 3, 60, 3),
        (("completed",) * 4 + ("in_progress",), 90, 5),
        (("completed",) * 4 + ("failed",), 80, 5),
        (("completed",) * 5, 100, 5),
        (("pending", "pending", "in_progress"), 50, 3),
    ],
)
def test_percentage_and_current_step_follow_the_furthest_step(
    conn: Connection, statuses: tuple[str, ...], percentage: int, current_step: int
) -> None:
    course = new_course(conn)
    after = advance(conn, course, 1, "pending")
    for step, status in enumerate(statuses, 1):
        after = advance(conn, course, step, status)
    assert (after["percentage"], after["current_step"]) == (percentage, current_step)


def test_a_message_about_an_earlier_step_does_not_replace_the_furthest_ones(conn: Connection) -> None:
    course = new_course(conn, progress_with("pending", "completed", "in_progress"))
    after = advance(conn, course, 1, "completed", "Запоздало")
    assert (after["message"], after["current_step"], after["percentage"]) == ("Прежнее", 3, 50)
    assert after["steps"][0]["status"] == "completed"


def test_the_furthest_step_going_back_says_so(conn: Connection) -> None:
    course = new_course(conn, progress_with("completed", "completed", "in_progress"))
    after = advance(conn, course, 3, "pending", "Отменено")
    assert (after["message"], after["current_step"], after["percentage"]) == ("Отменено", 2, 40)


def test_the_only_step_going_back_leaves_the_first_at_zero(conn: Connection) -> None:
    course = new_course(conn, progress_with("in_progress"))
    after = advance(conn, course, 1, "pending", "Сначала")
    assert (after["message"], after["current_step"], after["percentage"]) == ("Сначала", 1, 0)


def test_no_message_keeps_the_old_one(conn: Connection) -> None:
    course = new_course(conn, progress_with("completed"))
    assert advance(conn, course, 2, "in_progress", None)["message"] == "Прежнее"


def test_metadata_is_merged_into_what_is_there(conn: Connection) -> None:
    course = new_course(conn, progress_with(metadata={"a": 1, "b": 1}))
    after = advance(conn, course, 1, "completed", metadata={"b": 2, "c": {"d": None}})
    assert after["metadata"] == {"a": 1, "b": 2, "c": {"d": None}}


@pytest.mark.parametrize("metadata", [None, Jsonb(None), Jsonb([1]), Jsonb("a"), Jsonb(3)], ids=repr)
def test_metadata_that_is_no_object_is_ignored(conn: Connection, metadata: object) -> None:
    course = new_course(conn, progress_with(metadata={"a": 1}))
    assert advance(conn, course, 1, "completed", metadata=metadata)["metadata"] == {"a": 1}


def test_a_failure_without_words_is_a_failure(conn: Connection) -> None:
    course = new_course(conn)
    step = advance(conn, course, 1, "failed")["steps"][0]
    assert (step["status"], step["error"], step["error_details"]) == ("failed", None, None)


def test_both_times_of_the_course_move_and_its_status_does_not(conn: Connection) -> None:
    course = new_course(conn)
    conn.execute("update courses set status = 'draft' where id = %s", (course,))
    advance(conn, course, 5, "completed")
    row = conn.execute(
        "select status, last_progress_update = now(), updated_at = now(), generation_completed_at, error_message"
        " from courses where id = %s",
        (course,),
    ).fetchone()
    assert row == ("draft", True, True, None, None)


def test_times_are_utc_in_any_time_zone_of_the_session(conn: Connection) -> None:
    conn.execute("set local timezone = 'Asia/Kathmandu'")
    course = new_course(conn)
    assert advance(conn, course, 1, "completed")["steps"][0]["completed_at"] == now_of(conn)


def test_an_unknown_course_has_no_progress(conn: Connection) -> None:
    assert advance(conn, uuid4(), 1, "completed") is None
    assert conn.execute("select update_course_progress(null, 1, 'completed', '')").fetchone() == (None,)


@pytest.mark.parametrize("step", [None, 0, 6, -1, 2**31 - 1])
def test_a_step_that_does_not_exist_is_refused(conn: Connection, step: int | None) -> None:
    course = new_course(conn)
    with pytest.raises(psycopg.Error, match=r"^Invalid step_id") as refusal:
        advance(conn, course, step, "completed")
    assert refusal.value.sqlstate == "CG001"


@pytest.mark.parametrize("status", [None, "", "done", "PENDING", " pending", "cancelled"])
def test_a_status_that_does_not_exist_is_refused(conn: Connection, status: str | None) -> None:
    course = new_course(conn)
    with pytest.raises(psycopg.Error, match=r"^Invalid status") as refusal:
        advance(conn, course, 1, status)
    assert refusal.value.sqlstate == "CG002"


def test_a_bad_step_of_an_unknown_course_is_refused_too(conn: Connection) -> None:
    with pytest.raises(psycopg.Error, match=r"^Invalid step_id"):
        advance(conn, uuid4(), 6, "completed")


def stored(conn: Connection, course: object) -> Any:
    row = conn.execute("select generation_progress from courses where id = %s", (course,)).fetchone()
    assert row is not None
    return row[0]
