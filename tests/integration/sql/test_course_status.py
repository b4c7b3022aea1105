from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.database.migrations import migrate
from app.generation.progress.steps import ADMITTED_STATUS, STEPS
from tests.integration.sql.courses import Connection, new_course

STATUSES = [
    "initializing",
    "processing_documents",
    "analyzing_task",
    "generating_structure",
    "generating_content",
    "finalizing",
    "completed",
    "failed",
    "cancelled",
]
#: Tables of a platform that was there first; `{}` is the type of its status.
WITH_GENERATION_STATUS = """
    create type course_status as enum ('draft', 'published');
    create table courses (
        id uuid primary key default gen_random_uuid(),
        user_id uuid not null,
        title text not null,
        slug text not null,
        status course_status default 'draft',
        generation_status text,
        generation_progress jsonb
    );
"""
STATUS_ALONE = """
    create type their_status as enum ('pending', 'initializing', 'completed');
    create table courses (
        id uuid primary key default gen_random_uuid(), user_id uuid not null, title text, slug text, status {}
    );
"""


def set_status(conn: Connection, course: UUID | None, status: str | None) -> Any:
    """Whether there is such a course."""
    row = conn.execute("select coursegen.write_course(%s, '[]', %s) is not null", (course, status)).fetchone()
    assert row is not None
    return row[0]


def status_of(conn: Connection, course: UUID) -> Any:
    row = conn.execute("select coursegen.shown_status_v1(%s)", (course,)).fetchone()
    assert row is not None
    return row[0]


def assert_started(conn: Connection, course: UUID) -> None:
    """On any of the platform's columns a course is started with its status and its first step completed."""
    changes = '[{"reset": true}, {"step": 1, "status": "completed", "message": "Готово"}]'
    row = conn.execute("select coursegen.write_course(%s, %s, %s)", (course, changes, ADMITTED_STATUS)).fetchone()
    assert row is not None
    assert (row[0]["percentage"], row[0]["message"]) == (20, "Готово")
    assert status_of(conn, course) == ADMITTED_STATUS


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_read_as_it_was_set(conn: Connection, status: str) -> None:
    course = new_course(conn)
    assert status_of(conn, course) is None
    assert set_status(conn, course, status) is True
    assert status_of(conn, course) == status


@pytest.mark.parametrize("status", STATUSES)
def test_a_course_is_completed_at_every_end(conn: Connection, status: str) -> None:
    course = new_course(conn)
    conn.execute("select coursegen.write_course(%s, '[]', %s)", (course, status))
    row = conn.execute(
        "select status, generation_completed_at is not null, updated_at = now() from courses where id = %s", (course,)
    ).fetchone()
    assert row == (status, status in ("completed", "failed", "cancelled"), True)


def test_every_status_a_generation_passes_is_known(conn: Connection) -> None:
    course = new_course(conn)
    for status in {ADMITTED_STATUS, *(step.course_status for step in STEPS.values())}:
        assert set_status(conn, course, status) is True


def test_an_unknown_course_gets_no_status(conn: Connection) -> None:
    assert set_status(conn, uuid4(), "failed") is False
    assert set_status(conn, None, "failed") is False


@pytest.mark.parametrize("status", ["", "pending", "in_progress", "COMPLETED", "x', title = 'y"])
def test_a_status_no_generation_has_is_refused(conn: Connection, status: str | None) -> None:
    course = new_course(conn)
    with pytest.raises(psycopg.Error, match=r"^Invalid status") as refusal:
        set_status(conn, course, status)
    assert refusal.value.sqlstate == "CG002"


def test_a_platform_with_a_generation_status_keeps_its_own_status(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(WITH_GENERATION_STATUS.encode())
        migrate(new_database_url)
        course = new_course(conn)
        assert status_of(conn, course) is None
        for status in STATUSES:
            assert set_status(conn, course, status) is True
            assert status_of(conn, course) == status
            row = conn.execute("select status::text, generation_status from courses").fetchone()
            assert row == ("draft", status)
        assert_started(conn, new_course(conn))


def test_a_platform_with_one_status_of_free_text_gets_it_there(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(STATUS_ALONE.format("text").encode())
        migrate(new_database_url)
        course = new_course(conn)
        assert set_status(conn, course, "initializing") is True
        assert status_of(conn, course) == "initializing"
        assert_started(conn, new_course(conn))


@pytest.mark.parametrize("column", ["their_status", "text not null default 'draft'", "text check (status <> 'failed')"])
def test_a_status_that_is_shared_and_unknown_is_left_alone(new_database_url: str, column: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(STATUS_ALONE.format(column).encode())
        migrate(new_database_url)
        course = new_course(conn)
        before = conn.execute("select status::text from courses").fetchone()
        set_status(conn, course, "initializing")
        assert status_of(conn, course) is None
        assert conn.execute("select status::text from courses").fetchone() == before


def test_a_column_that_comes_or_goes_is_noticed_by_the_next_migration(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        course = new_course(conn)
        assert_started(conn, course)
        conn.execute("alter table courses add column generation_status text")
        assert_started(conn, course)
        migrate(new_database_url)
        set_status(conn, course, "finalizing")
        assert conn.execute("select generation_status, status from courses").fetchone() == (
            "finalizing",
            "initializing",
        )
        conn.execute("alter table courses drop column generation_status")
        set_status(conn, course, "failed")
        assert conn.execute("select event_type from coursegen.events").fetchall() == [("status_refused",)]
        migrate(new_database_url)
        assert set_status(conn, course, "failed") is True
        assert status_of(conn, course) == "failed"
