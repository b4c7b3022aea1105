"""What tests on real servers start from: a course of a user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from app.settings import Settings
from app.settings.shown import show_settings

#: A file as the frontend stores it; it need not exist.
FILE = {"id": "1", "name": "notes.md", "path": "notes.md", "mime_type": "text/markdown", "size": 120}


def add_worker(conn: psycopg.Connection[Any], *queues: str, silent_s: float = 0) -> None:
    """A worker that serves these queues and gave its last sign of life so many seconds ago."""
    conn.execute(
        "insert into coursegen.workers (id, process, name, version, queues, last_heartbeat)"
        " select count(*) + 1, 'host:1', 'worker', '1', %s, now() - make_interval(secs => %s) from coursegen.workers",
        [list(queues), silent_s],
    )


def add_process(
    conn: psycopg.Connection[Any],
    process: str,
    kind: str,
    settings: Settings,
    *,
    places: int = 0,
    cpu_pressure: float = 0.0,
    memory: tuple[int, int] = (1, 2),
    silent_s: float = 0,
) -> None:
    """A process with these settings, whose last sign of life is so many seconds old. `memory`: available, in all."""
    conn.execute(
        "insert into coursegen.processes (process, kind, version, settings, places, cpu_pressure, memory_available,"
        " memory_total, seen_at) values (%s, %s, %s, %s, %s, %s, %s, %s, now() - make_interval(secs => %s))",
        [process, kind, settings.app_version, Jsonb(show_settings(settings)), places, cpu_pressure, *memory, silent_s],
    )


@dataclass(frozen=True, slots=True)
class Course:
    """A row of `courses`."""

    id: UUID
    slug: str
    user_id: UUID


class MakeCourse(Protocol):
    def __call__(
        self, *, user_id: UUID | None = None, files: Sequence[Mapping[str, Any]] | None = None, **fields: Any
    ) -> Course: ...


class MakeToken(Protocol):
    def __call__(self, user_id: UUID | str, tier: str | None = None, **claims: Any) -> str: ...


def insert_course(
    conn: psycopg.Connection[Any],
    *,
    user_id: UUID | None = None,
    files: Sequence[Mapping[str, Any]] | None = None,
    **fields: Any,
) -> Course:
    """A committed row of `courses`, on a connection in autocommit mode; `fields` are columns, dicts and lists jsonb."""
    course_id = uuid4()
    row: dict[str, Any] = {
        "id": course_id,
        "user_id": user_id or uuid4(),
        "title": "Основы геологии",
        "slug": f"course-{course_id}",
        **({"generation_progress": {"files": list(files)}} if files is not None else {}),
        **fields,
    }
    conn.execute(
        sql.SQL("insert into courses ({}) values ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
        ),
        [Jsonb(value) if isinstance(value, dict | list) else value for value in row.values()],
    )
    return Course(row["id"], row["slug"], row["user_id"])
