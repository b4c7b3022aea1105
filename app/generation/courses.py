"""How a course's generation stands, as the frontend polls it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.string import TextLoader

from app.db import Database
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden
from app.queries import QUERIES

#: An active generation without progress for this long is stuck.
STUCK_AFTER_S = 15 * 60


@dataclass(frozen=True, slots=True)
class CourseStatus:
    """`progress`: JSON text. `age_s`: seconds since the course was created, where the platform's table says when.

    `reason` and `suggested`: what to think of a stuck one.
    """

    course_id: UUID
    slug: str
    status: str | None
    generation_status: str | None
    progress: str | None
    created_at: datetime | None
    updated_at: datetime | None
    age_s: float | None
    stuck: bool
    reason: str
    suggested: str | None


def read_status(db: Database, caller: Caller, slug: str) -> CourseStatus:
    """The status of the course of that slug, for its owner or an admin. Raises `CourseNotFound`, `Forbidden`."""
    course = find_course(db, caller, slug)
    stuck = course["active"] and course["quiet_s"] > STUCK_AFTER_S
    return CourseStatus(
        course_id=course["id"],
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
    )


def find_course(db: Database, caller: Caller, slug: str) -> DictRow:
    """The course of that slug, the caller's own first, with its active generation; its progress as JSON text.

    Raises as `read_status`.
    """
    if "\0" in slug:
        raise CourseNotFound  # PostgreSQL's text can't hold it
    with db.connection() as conn, conn.cursor() as cursor:
        # A column anybody may have written holds JSON that Python can't: too deep, with numbers beyond its own.
        cursor.adapters.register_loader("jsonb", TextLoader)
        cursor.execute(QUERIES["find_course_by_slug"], {"slug": slug, "user_id": caller.user_id})
        course = cursor.fetchone()
    if course is None:
        raise CourseNotFound
    if course["user_id"] != caller.user_id and not caller.is_admin:
        raise Forbidden
    return course
