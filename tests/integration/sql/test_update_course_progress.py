import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.sql.courses import (
    EARLIER,
    FILES,
    NAMES,
    Connection,
    advance,
    new_course,
    progress_with,
    row_of,
    step_at,
)

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


def now_of(conn: Connection) -> str:
    """The transaction's time as JavaScript writes it."""
    row = conn.execute("select now()").fetchone()
    assert row is not None
    now: datetime = row[0].astimezone(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"


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


def test_times_are_those_of_utc_whatever_the_sessions_zone(conn: Connection) -> None:
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


def steps_but(**changes: object) -> list[Any]:
    steps: list[Any] = progress_with("completed", "in_progress")["steps"]
    steps[1] |= changes
    return steps


WITHOUT_STEPS: list[object] = [
    None,
    Jsonb(None),
    "steps",
    7,
    True,
    [],
    [{"steps": progress_with()["steps"]}],
    {},
    {"steps": None},
    {"steps": {}},
    {"steps": "five"},
    {"steps": []},
    {"steps": progress_with()["steps"][:4]},
    {"steps": [*progress_with()["steps"], step_at(5, "pending")]},
    {"steps": [*progress_with()["steps"], "sixth"]},
    {"steps": progress_with()["steps"][::-1]},
    {"steps": [[step] for step in progress_with()["steps"]]},
    {"steps": [progress_with()["steps"]]},
    {"steps": [1, 2, 3, 4, 5]},
    {"steps": [None] * 5},
    {"steps": steps_but(id="2")},
    {"steps": steps_but(id=None)},
    {"steps": steps_but(id=3)},
    {"steps": steps_but(status="running")},
    {"steps": steps_but(status=None)},
    {"steps": steps_but(status=["pending"])},
    {"steps": [{"id": n} for n in range(1, 6)]},
]


@pytest.mark.parametrize("progress", WITHOUT_STEPS, ids=lambda p: repr(p)[:60])
def test_progress_without_proper_steps_is_built(conn: Connection, progress: object) -> None:
    course = new_course(conn, progress)
    after = advance(conn, course, 1, "completed", "Готово", metadata={"built": True})
    now = now_of(conn)
    expected = progress_with("completed", message="Готово", metadata={"built": True})
    expected["steps"][0] |= {"started_at": now, "completed_at": now}
    assert after == expected


@pytest.mark.parametrize("progress", WITHOUT_STEPS, ids=lambda p: repr(p)[:60])
def test_progress_is_built_once_by_a_call_that_moves_nothing(conn: Connection, progress: object) -> None:
    course = new_course(conn, progress)
    assert advance(conn, course, 1, "pending", "Ничего") == progress_with(message="")
    row = row_of(conn, course)
    advance(conn, course, 1, "pending", "Ничего")
    assert row_of(conn, course) == row


def test_what_is_built_keeps_the_files_and_is_named_after_them(conn: Connection) -> None:
    course = new_course(conn, {"files": FILES, "has_documents": False, "steps": "none"})
    after = advance(conn, course, 2, "in_progress")
    assert after["files"] == FILES
    assert after["has_documents"] is True
    assert after["steps"][1]["name"] == "Обработка документов"


@pytest.mark.parametrize("files", [None, {}, {"id": "f1"}, "f1", 1, True, []], ids=repr)
def test_files_that_are_no_list_count_as_none(conn: Connection, files: object) -> None:
    course = new_course(conn, {"files": files, "has_documents": True})
    after = advance(conn, course, 1, "completed")
    assert after["files"] == []
    assert after["has_documents"] is False
    assert after["steps"][1]["name"] == "Анализ задачи"


@pytest.mark.parametrize(
    ("key", "bad", "good"),
    [
        ("percentage", "ten", 30),
        ("percentage", 99, 30),
        ("current_step", None, 2),
        ("message", 5, ""),
        ("total_steps", 7, 5),
        ("has_documents", "yes", False),
        ("lessons_completed", "3", 0),
        ("lessons_completed", -1, 0),
        ("lessons_total", 1.5, 0),
        ("lessons_total", None, 0),
        ("files", {"a": 1}, []),
        ("metadata", [1], {}),
        ("metadata", "text", {}),
    ],
)
def test_a_key_of_a_wrong_type_is_repaired(conn: Connection, key: str, bad: object, good: object) -> None:
    course = new_course(conn, progress_with("completed", **{key: bad}))
    assert advance(conn, course, 2, "in_progress", None)[key] == good


@pytest.mark.parametrize("key", sorted(progress_with().keys() - {"steps"}))
def test_a_missing_key_is_added(conn: Connection, key: str) -> None:
    progress = progress_with("completed")
    del progress[key]
    course = new_course(conn, progress)
    assert advance(conn, course, 2, "in_progress").keys() == progress_with().keys()


def test_steps_without_their_small_keys_get_them_and_keep_where_they_are(conn: Connection) -> None:
    steps: list[dict[str, object]] = [{"id": n, "status": "pending"} for n in range(1, 6)]
    steps[0] = {"id": 1, "status": "completed", "name": 5}
    course = new_course(conn, {"steps": steps})
    after = advance(conn, course, 3, "in_progress")
    assert [step["status"] for step in after["steps"]] == ["completed", "pending", "in_progress", "pending", "pending"]
    assert [step["name"] for step in after["steps"]] == NAMES
    assert all(step.keys() == step_at(1, "pending").keys() for step in after["steps"])


def test_what_others_keep_in_the_progress_stays(conn: Connection) -> None:
    progress = progress_with("completed", lessons_completed=3, lessons_total=9, theirs={"a": [1]}, has_documents=True)
    progress["steps"][1] |= {"name": "Обработка документов", "icon": "book"}
    course = new_course(conn, progress)
    after = advance(conn, course, 2, "in_progress")
    assert (after["lessons_completed"], after["lessons_total"], after["theirs"]) == (3, 9, {"a": [1]})
    assert after["has_documents"] is True
    assert after["steps"][1]["icon"] == "book"
    assert after["steps"][1]["name"] == "Обработка документов"


def stored(conn: Connection, course: object) -> Any:
    row = conn.execute("select generation_progress from courses where id = %s", (course,)).fetchone()
    assert row is not None
    return row[0]
