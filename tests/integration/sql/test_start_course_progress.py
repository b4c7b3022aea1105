"""Admission starts a course in one write: it leaves what reset and the completed first step leave one by one."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.integration.sql.courses import FILES, Connection, advance, new_course, progress_with, reset

MESSAGE = "Инициализация завершена"
METADATA = {"job_id": "1", "tier": "FREE", "request_id": None}
PROGRESS: list[Any] = [
    None,
    Jsonb(None),
    "text",
    5,
    [1],
    {},
    {"files": FILES},
    {"files": "a.md", "theirs": [1, {"b": None}]},
    {"steps": 5, "metadata": 5, "files": {}, "lessons_total": "many", "message": 7, "has_documents": "yes"},
    progress_with("completed", "failed", files=FILES, metadata={"old": 1}, theirs=1),
    progress_with(*["completed"] * 5, lessons_completed=3, lessons_total=3),
]


def start(conn: Connection, course: UUID, message: str = MESSAGE, metadata: Any = None) -> Any:
    first = {"step": 1, "status": "completed", "message": message, "metadata": metadata or METADATA}
    values = (course, Jsonb([{"reset": True}, first]), "initializing")
    row = conn.execute("select coursegen.write_course(%s, %s, %s)", values).fetchone()
    assert row is not None
    return row[0]


def whole(conn: Connection, course: UUID) -> Any:
    """The row but for what names it."""
    row = conn.execute(
        "select (to_jsonb(c) - array['id', 'slug', 'user_id', 'created_at'])::text from courses c where id = %s",
        (course,),
    ).fetchone()
    assert row is not None
    return row[0]


def assert_the_same(conn: Connection, progress: Any) -> None:
    one, other = new_course(conn, progress), new_course(conn, progress)
    for course in (one, other):
        conn.execute(
            "update courses set status = 'failed', error_message = 'x', error_details = '{}',"
            " generation_completed_at = '2026-01-02' where id = %s",
            (course,),
        )
    started = start(conn, one)
    reset(conn, other)
    assert started == advance(conn, other, 1, "completed", MESSAGE, metadata=METADATA)
    assert conn.execute("select coursegen.write_course(%s, '[]', 'initializing') is not null", (other,)).fetchone() == (
        True,
    )
    assert whole(conn, one) == whole(conn, other)


@pytest.mark.parametrize("progress", PROGRESS, ids=repr)
def test_it_leaves_what_the_two_leave(conn: Connection, progress: Any) -> None:
    assert_the_same(conn, progress)


LEAVES = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.sampled_from(["", "completed", "а"])
KEYS = st.sampled_from(["steps", "files", "metadata", "message", "has_documents", "lessons_total", "percentage", "x"])
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_it_does_so_with_any_value_in_the_column(conn: Connection, progress: Any) -> None:
    assert_the_same(conn, Jsonb(progress))


def test_an_unknown_course_is_not_started(conn: Connection) -> None:
    assert start(conn, uuid4()) is None
