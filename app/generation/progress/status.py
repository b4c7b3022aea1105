"""Polling: how a course stands, read only as far as the poller does not know it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden
from app.generation.progress.steps import FINAL_STATUSES

#: A running generation without progress for this long is stuck.
STUCK_AFTER_S = 15 * 60

#: The tag that every state of a course matches.
ANY_TAG = "*"


@dataclass(frozen=True, slots=True)
class CourseStatus:
    """How a course stands. `progress` is JSON text; `created_s` is the course's age, if the table has its date.

    `queue_position`: how many jobs run before a queued generation, counted up to 100. `worker_alive`: whether any
    worker can run an active generation. Two that differ only in their tag and age are equal.
    """

    course_id: UUID
    user_id: UUID
    tag: str = field(compare=False)
    slug: str
    status: str | None
    generation_status: str | None
    progress: str | None
    created_at: datetime | None
    updated_at: datetime | None
    created_s: float | None = field(compare=False)
    is_stuck: bool
    queue_position: int | None
    worker_alive: bool | None

    @property
    def is_final(self) -> bool:
        """Whether its generation is over; false if there was none."""
        return self.generation_status in FINAL_STATUSES


@dataclass(frozen=True, slots=True)
class FoundCourse:
    """A course that the caller may see, and the tag of its state."""

    course_id: UUID
    user_id: UUID
    tag: str


def poll_course(
    db: Database, caller: Caller, key: str | UUID, stalled_s: float, known: Sequence[str] = ()
) -> CourseStatus | FoundCourse:
    """The state of the course with that slug or id, or `FoundCourse` if its tag is in `known`.

    For its owner and admins. A slug found twice means the caller's own course. A worker is dead after `stalled_s`
    without a heartbeat. One round trip; the progress of an unchanged course is not read.
    Raises `CourseNotFound`, `Forbidden`.
    """
    row = _poll(db, caller, key, stalled_s, known)
    return _found(row) if row["outcome"] == "unchanged" else _status(row)


def read_status(db: Database, caller: Caller, key: str | UUID, stalled_s: float) -> CourseStatus:
    """As `poll_course` for a caller who knows no state."""
    return _status(_poll(db, caller, key, stalled_s, ()))


def find_course(db: Database, caller: Caller, key: str | UUID) -> FoundCourse:
    """As `poll_course` for a caller who needs no state."""
    return _found(_poll(db, caller, key, 0, [ANY_TAG]))


def read_statuses(db: Database, course_ids: Collection[UUID], stalled_s: float) -> dict[UUID, CourseStatus]:
    """The state of each of these courses that exists, without a check of rights."""
    values = {"ids": list(course_ids), "stuck_s": STUCK_AFTER_S, "stalled_s": stalled_s}
    with db.connection() as conn:
        rows = conn.execute(QUERIES["poll_courses"], values).fetchall()
    return {row["course_id"]: _status(row) for row in rows}


def _poll(db: Database, caller: Caller, key: str | UUID, stalled_s: float, known: Sequence[str]) -> DictRow:
    slug, course_id = (None, key) if isinstance(key, UUID) else (key, _read_id(key))
    if slug is not None and "\0" in slug:
        raise CourseNotFound  # PostgreSQL's text can't hold it
    values = {
        "slug": slug,
        "id": course_id,
        "user_id": caller.user_id,
        "known": f"{{{','.join(known)}}}",  # as text it is sent in a third of the time of a list
        "stuck_s": STUCK_AFTER_S,
        "stalled_s": stalled_s,
    }
    with db.connection() as conn:
        row = only_row(conn.execute(QUERIES["poll_course"], values))
    if row["outcome"] == "not_found":
        raise CourseNotFound
    if row["user_id"] != caller.user_id and not caller.is_admin:
        raise Forbidden
    return row


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _status(row: DictRow) -> CourseStatus:
    return CourseStatus(**{name: value for name, value in row.items() if name != "outcome"})


def _found(row: DictRow) -> FoundCourse:
    return FoundCourse(row["course_id"], row["user_id"], row["tag"])
