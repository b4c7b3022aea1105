from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.integration.sql.courses import FILES, Connection, advance, new_course, progress_with, reset, step_at

RESET = "Генерация поставлена в очередь"


def test_nothing_of_the_last_generation_is_left(conn: Connection) -> None:
    course = new_course(
        conn,
        progress_with(
            *["completed"] * 4, "failed", lessons_completed=3, lessons_total=9, metadata={"a": 1}, theirs={"b": 2}
        ),
    )
    conn.execute(
        "update courses set status = 'failed', error_message = 'Беда', error_details = '{}',"
        " generation_completed_at = now(), generation_started_at = '2026-01-02' where id = %s",
        (course,),
    )

    assert reset(conn, course) == progress_with(message=RESET, theirs={"b": 2})
    row = conn.execute(
        "select generation_progress, status, error_message, error_details, generation_completed_at,"
        " generation_started_at = now(), last_progress_update = now(), updated_at = now()"
        " from courses where id = %s",
        (course,),
    ).fetchone()
    assert row == (
        progress_with(message=RESET, theirs={"b": 2}), "failed", None, None, None, True, True, True
    )  # fmt: skip


def test_a_course_with_files_has_documents_to_process(conn: Connection) -> None:
    # What an upload after the last generation leaves behind.
    course = new_course(conn, progress_with("completed", files=FILES))
    expected = progress_with(message=RESET, files=FILES, has_documents=True)
    expected["steps"][1] = step_at(2, "pending", name="Обработка документов")
    assert reset(conn, course) == expected


def test_a_course_that_lost_its_files_has_none(conn: Connection) -> None:
    course = new_course(conn, progress_with("completed", has_documents=True))
    assert reset(conn, course) == progress_with(message=RESET)


@pytest.mark.parametrize(
    "progress",
    [None, Jsonb(None), "text", 5, [1], {}, {"steps": 5, "metadata": 5, "files": "a", "lessons_total": "many"}],
    ids=repr,
)
def test_any_progress_becomes_five_pending_steps(conn: Connection, progress: object) -> None:
    course = new_course(conn, progress)
    assert reset(conn, course) == progress_with(message=RESET)
    assert reset(conn, course) == progress_with(message=RESET)


def test_the_first_step_then_says_what_it_does(conn: Connection) -> None:
    course = new_course(conn)
    reset(conn, course)
    after = advance(conn, course, 1, "completed", "Инициализация завершена")
    assert (after["message"], after["percentage"]) == ("Инициализация завершена", 20)


def test_an_unknown_course_is_not_reset(conn: Connection) -> None:
    assert reset(conn, uuid4()) is None
