"""Polling: the state of a course."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.batching import Batcher
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden
from app.generation.progress.steps import FINAL_STATUSES

#: A running generation without progress for this long is stuck.
STUCK_AFTER_S = 15 * 60

#: A course as its poller names it: its slug, which may also be its id, or its id alone.
Key = str | UUID


@dataclass(frozen=True, slots=True)
class FoundCourse:
    """A course that the caller may see, and the tag of its state."""

    course_id: UUID
    user_id: UUID
    organization_id: UUID | None
    tag: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class CourseStatus(FoundCourse):
    """The state of a course. `progress` is JSON text; times are ISO 8601 in UTC.

    `minutes` is the age of the course. `queue_position` counts the jobs that run before a queued generation, up to 100.
    `worker_alive` says whether a worker that serves stages is alive. Two that differ only in tag and age are equal.
    """

    slug: str
    status: str | None
    generation_status: str | None
    progress: str | None
    created_at: str | None
    updated_at: str | None
    minutes: int | None = field(compare=False)
    is_stuck: bool
    queue_position: int | None
    worker_alive: bool | None

    @property
    def is_final(self) -> bool:
        """Whether its generation is over; false if there was none."""
        return self.generation_status in FINAL_STATUSES

    @property
    def is_active(self) -> bool:
        """Whether a generation of it is active: workers are looked for only then."""
        return self.worker_alive is not None


class Polls:
    """Answers polls for the owner and the admins of a course; others get `Forbidden` or `CourseNotFound`.

    A slug found twice means the caller's own course. A worker is dead after `stalled_s` without a heartbeat.
    """

    def __init__(self, db: Database, stalled_s: float) -> None:
        self._db = db
        self._stalled_s = stalled_s
        self.batches = Batcher(self._find_batch)

    def find(self, caller: Caller, key: Key) -> FoundCourse:
        """The course and the tag of its state, without reading its progress. Concurrent calls are one statement."""
        return _found(_check(self.batches.run(_poll(caller, key)), caller))

    def read(self, caller: Caller, key: Key) -> CourseStatus:
        """The state of the course."""
        return _status(_check(_read(self._db, [_poll(caller, key)], self._stalled_s, state=True)[0], caller))

    def read_all(self, course_ids: Collection[UUID]) -> dict[UUID, CourseStatus]:
        """The state of each of these courses that exists, without a check of rights."""
        rows = _read(self._db, [{"id": course_id} for course_id in course_ids], self._stalled_s, state=True)
        return {row["course_id"]: _status(row) for row in rows if row["outcome"] == "found"}

    def _find_batch(self, polls: Sequence[Mapping[str, Any]]) -> list[DictRow]:
        return _read(self._db, polls, self._stalled_s, state=False)


def find_course(db: Database, caller: Caller, key: Key) -> FoundCourse:
    """The course, for its owner and its admins. Raises `CourseNotFound`, `Forbidden`."""
    return _found(_check(_read(db, [_poll(caller, key)], 0, state=False)[0], caller))


def _poll(caller: Caller, key: Key) -> dict[str, Any]:
    if isinstance(key, UUID):
        return {"id": key}
    if "\0" in key:
        raise CourseNotFound  # PostgreSQL's text can't hold it
    return {"slug": key, "id": read_id(key), "user_id": caller.user_id}


def read_id(text: str) -> UUID | None:
    """The id that the text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _read(db: Database, polls: Sequence[Mapping[str, Any]], stalled_s: float, *, state: bool) -> list[DictRow]:
    """A row for each poll, in their order."""
    numbered = Jsonb([{**poll, "n": n} for n, poll in enumerate(polls)], orjson.dumps)
    values = {"polls": numbered, "state": state, "stuck_s": STUCK_AFTER_S, "stalled_s": stalled_s}
    with db.connection() as conn:
        return conn.execute(QUERIES["poll_courses"], values).fetchall()


def _check(row: DictRow, caller: Caller) -> DictRow:
    if row["outcome"] == "not_found":
        raise CourseNotFound
    if not caller.may_access(row["user_id"], row["organization_id"]):
        raise Forbidden
    return row


def _found(row: DictRow) -> FoundCourse:
    return FoundCourse(row["course_id"], row["user_id"], row["organization_id"], row["tag"])


def _status(row: DictRow) -> CourseStatus:
    return CourseStatus(**{name: value for name, value in row.items() if name != "outcome"})
