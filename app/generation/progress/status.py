"""How a course's generation stands, as the frontend polls it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.string import TextLoader

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden
from app.generation.progress.steps import FINAL_STATUSES

#: An active generation without progress for this long is stuck.
STUCK_AFTER_S = 15 * 60


@dataclass(frozen=True, slots=True)
class CourseStatus:
    """`progress`: JSON text. `age_s`: seconds since the course was created, where the platform's table says when.

    `reason` and `suggested`: what to think of a stuck one. `jobs_ahead`: of a queued generation, how many waiting jobs
    come before its own, counted up to 100. `worker_alive`: of an active one, whether any worker is.
    Two that differ in nothing but their age are equal.
    """

    course_id: UUID
    user_id: UUID
    slug: str
    status: str | None
    generation_status: str | None
    progress: str | None
    created_at: datetime | None
    updated_at: datetime | None
    age_s: float | None = field(compare=False)
    stuck: bool
    reason: str
    suggested: str | None
    jobs_ahead: int | None
    worker_alive: bool | None

    @property
    def final(self) -> bool:
        """Whether its generation is over; false where there was none."""
        return self.generation_status in FINAL_STATUSES


def read_status(db: Database, caller: Caller, key: str | UUID, stalled_s: float) -> CourseStatus:
    """The status of the course of that slug or id, for its owner or an admin. Raises `CourseNotFound`, `Forbidden`.

    A worker counts as dead after `stalled_s` without a sign of life.
    """
    return _status(find_course(db, caller, key), stalled_s)


def read_statuses(db: Database, course_ids: Collection[UUID], stalled_s: float) -> dict[UUID, CourseStatus]:
    """The status of each of these courses that exists, whoever asks."""
    rows = _find(db, ids=list(course_ids), slug=None, user_id=None)
    return {row["id"]: _status(row, stalled_s) for row in rows}


def find_course(db: Database, caller: Caller, key: str | UUID) -> DictRow:
    """The course of that slug (of several the caller's own) or id, with its active generation; progress as JSON text.

    Raises as `read_status`.
    """
    ids, slug = ([key], None) if isinstance(key, UUID) else (None, key)
    if slug is not None and "\0" in slug:
        raise CourseNotFound  # PostgreSQL's text can't hold it
    found = _find(db, ids=ids, slug=slug, user_id=caller.user_id)
    if not found:
        raise CourseNotFound
    course = found[0]
    if course["user_id"] != caller.user_id and not caller.is_admin:
        raise Forbidden
    return course


def _find(db: Database, **values: object) -> list[DictRow]:
    with db.connection() as conn, conn.cursor() as cursor:
        # A column anybody may have written holds JSON that Python can't: too deep, with numbers beyond its own.
        cursor.adapters.register_loader("jsonb", TextLoader)
        return cursor.execute(QUERIES["find_course_status"], values).fetchall()


def _status(course: Mapping[str, Any], stalled_s: float) -> CourseStatus:
    stuck = course["active"] and course["quiet_s"] > STUCK_AFTER_S
    heartbeat_age_s = course["heartbeat_age_s"]
    return CourseStatus(
        course_id=course["id"],
        user_id=course["user_id"],
        slug=course["slug"],
        status=course["status"],
        generation_status=course["generation_status"],
        progress=course["generation_progress"],
        created_at=course["created_at"],
        updated_at=course["updated_at"],
        age_s=None if course["age_s"] is None else float(course["age_s"]),
        stuck=stuck,
        reason=f"No progress for more than {STUCK_AFTER_S // 60} minutes" if stuck else "",
        suggested="failed" if stuck else course["generation_status"],
        jobs_ahead=course["jobs_ahead"],
        worker_alive=heartbeat_age_s is not None and heartbeat_age_s < stalled_s if course["active"] else None,
    )
