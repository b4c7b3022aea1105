"""Courses as the tests here make and read them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]
Json = dict[str, Any]

FILES = [{"id": "f1", "name": "Лекция.md", "path": "lecture.md", "mime_type": "text/markdown", "size": 10}]
EARLIER = "2026-01-02T03:04:05.678Z"
NAMES = ["Запуск генерации", "Анализ задачи", "Генерация структуры", "Создание контента", "Финализация"]


def new_course(conn: Connection, progress: object = None) -> UUID:
    """The id of a new course. None stands for SQL's null, and `Jsonb(None)` for JSON's."""
    course = uuid4()
    if progress is not None and not isinstance(progress, Jsonb):
        progress = Jsonb(progress)
    conn.execute(
        "insert into courses (id, user_id, title, slug, generation_progress, last_progress_update, updated_at)"
        " values (%s, %s, 'Курс', %s, %s, '2026-01-02', '2026-01-02')",
        (course, uuid4(), str(course), progress),
    )
    return course


def advance(
    conn: Connection,
    course: UUID,
    step: int | None,
    status: str | None,
    message: str | None = "Дальше",
    **optional: object,
) -> Any:
    """What `update_course_progress` returns; `optional` are its parameters without the `p_`."""
    names = "".join(f", p_{name} => %s" for name in optional)
    values = [Jsonb(value) if isinstance(value, dict | list) else value for value in optional.values()]
    query = f"select update_course_progress(%s, %s, %s, %s{names})"
    row = conn.execute(query.encode(), [course, step, status, message, *values]).fetchone()
    assert row is not None
    return row[0]


def reset(conn: Connection, course: UUID) -> Any:
    row = conn.execute("select coursegen.reset_course_progress(%s)", (course,)).fetchone()
    assert row is not None
    return row[0]


def row_of(conn: Connection, course: UUID) -> tuple[Any, ...]:
    """The whole row with its place and version: equal only if nothing wrote it in between."""
    row = conn.execute("select xmin::text, ctid::text, c::text from courses c where id = %s", (course,)).fetchone()
    assert row is not None
    return tuple(row)


def now_of(conn: Connection) -> str:
    """The transaction's time as JavaScript writes it."""
    row = conn.execute("select now()").fetchone()
    assert row is not None
    now: datetime = row[0].astimezone(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"


def step_at(number: int, status: str, *, name: str | None = None) -> Json:
    """A step that got to that status some time ago."""
    return {
        "id": number,
        "name": name or NAMES[number - 1],
        "status": status,
        "started_at": None if status == "pending" else EARLIER,
        "completed_at": EARLIER if status == "completed" else None,
        "error": "Сломалось" if status == "failed" else None,
        "error_details": {"code": 7} if status == "failed" else None,
    }


def progress_with(*statuses: str, **keys: object) -> Json:
    """A well-formed progress whose first steps have these statuses, the others pending; `keys` replace its own."""
    full = [*statuses, *["pending"] * (5 - len(statuses))]
    furthest = max((n for n, status in enumerate(full, 1) if status != "pending"), default=1)
    done = {"completed": 20, "in_progress": 10}.get(full[furthest - 1], 0)
    return {
        "steps": [step_at(n, status) for n, status in enumerate(full, 1)],
        "percentage": 20 * (furthest - 1) + done,
        "current_step": furthest,
        "message": "Прежнее",
        "total_steps": 5,
        "has_documents": False,
        "lessons_completed": 0,
        "lessons_total": 0,
        "files": [],
        "metadata": {},
        **keys,
    }
