"""Progress that is malformed is built or repaired, and what is well-formed in it is kept."""

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.integration.sql.courses import (
    FILES,
    NAMES,
    Connection,
    advance,
    new_course,
    now_of,
    progress_with,
    row_of,
    step_at,
)


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
