"""What operators read: generations, events, webhooks, courses and gauges, as rows."""

import time
from collections.abc import Iterator
from uuid import UUID

from psycopg.rows import DictRow

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.progress.steps import FINAL_STATUSES
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE

#: Between two reads of a course that is followed.
PAUSE_S = 0.5
#: Longer than any delivery is kept.
EVER_S = 10 * 365 * 86400


class NotFound(LookupError):
    """There is no such row, or several; the message names it."""


def list_generations(db: Database, *, status: str | None, since_s: int, limit: int) -> list[DictRow]:
    """The latest generations, of one status or all."""
    return _rows(db, "list_generations", status=status, seconds=since_s, limit=limit)


def find_generation(db: Database, generation_id: UUID) -> DictRow:
    """The generation, its course's slug and title, and its `attempts`. Raises `NotFound`."""
    rows = _rows(db, "find_generation", generation_id=generation_id)
    if not rows:
        raise NotFound(f"There is no generation {generation_id}")
    return {**rows[0], "attempts": _rows(db, "list_attempts", generation_id=generation_id)}


def list_events(db: Database, *, event_type: str | None, since_s: int, limit: int) -> list[DictRow]:
    """The latest events, of one type or all."""
    return _rows(db, "list_events", event_type=event_type, seconds=since_s, limit=limit)


def list_deliveries(
    db: Database,
    *,
    course: str | None = None,
    generation_id: UUID | None = None,
    failed: bool = False,
    pending: bool = False,
    since_s: int = EVER_S,
    limit: int = 1000,
) -> list[DictRow]:
    """The latest deliveries to webhooks, each with its last attempt. `course` is a slug or an id."""
    return _rows(
        db,
        "list_webhook_deliveries",
        course=course,
        generation_id=generation_id,
        failed=failed,
        pending=pending,
        seconds=since_s,
        limit=limit,
    )


def find_webhook(db: Database, generation_id: UUID) -> DictRow:
    """The generation's webhook: its `url`, its `deliveries` in order, and all `attempts`. Raises `NotFound`."""
    return {
        "generation_id": generation_id,
        "url": find_generation(db, generation_id)["webhook_url"],
        "deliveries": list_deliveries(db, generation_id=generation_id)[::-1],
        "attempts": _rows(db, "list_webhook_attempts", generation_id=generation_id),
    }


def find_course(db: Database, name: str, user_id: UUID | None) -> DictRow:
    """The `id` and `user_id` of the course with this id or slug, of that user or any. Raises `NotFound`."""
    try:
        course_id = UUID(name)
    except ValueError:
        course_id = None
    rows = _rows(db, "list_courses_named", id=course_id, slug=name, user_id=user_id)
    if not rows:
        raise NotFound(f"There is no course {name}" + (f" of user {user_id}" if user_id else ""))
    if len(rows) > 1:
        raise NotFound(f"Several courses have the slug {name}: pass the id, or the owner's with --user")
    return rows[0]


def follow_course(db: Database, course_id: UUID, stalled_s: float) -> Iterator[DictRow]:
    """The course's progress, and again after each change, until its generation is final. Raises `NotFound`."""
    last: DictRow | None = None
    while last is None or last["status"] not in FINAL_STATUSES:
        if last is not None:
            time.sleep(PAUSE_S)
        rows = _rows(db, "find_progress", id=course_id, stalled=stalled_s)
        if not rows:
            raise NotFound("The course was deleted")
        if rows[0] != last:
            yield rows[0]
        last = rows[0]


def list_gauges(db: Database, stalled_s: float) -> list[DictRow]:
    """How much is under way and how long it has waited: `name`, `label` (a status, a queue or empty) and `value`."""
    return _rows(db, "list_gauges", queues=[STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE], stalled=stalled_s)


def _rows(db: Database, query: str, **values: object) -> list[DictRow]:
    with db.connection() as conn:
        return conn.execute(QUERIES[query], values).fetchall()
