"""What operators read: generations, events, webhooks, slots, courses and gauges, as rows."""

import time
from collections.abc import Iterator
from uuid import UUID

from psycopg.rows import DictRow

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.progress.status import read_id
from app.generation.progress.steps import FINAL_STATUSES
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE
from app.generation.slots.holders import count_slots
from app.generation.slots.keeper import COUNT_S
from app.services import Services

#: For how long a generation that is stuck has made no progress. Longer than a stage may take by default.
STUCK_S = 900
#: Between two reads of a course that is followed.
PAUSE_S = 0.5
#: The other parameters of `list_webhook_deliveries`, for all of one generation's.
EVERY_DELIVERY = {"course": None, "failed": False, "pending": False, "since_s": 10 * 365 * 86400, "limit": 1000}


class NotFound(LookupError):
    """There is no such row, or several; the message names it."""


def read_rows(db: Database, query: str, **values: object) -> list[DictRow]:
    """The rows of the query of that name."""
    with db.connection() as conn:
        return conn.execute(QUERIES[query], values).fetchall()


def find_generation(db: Database, generation_id: UUID) -> DictRow:
    """The generation, its course's slug and title, and its `attempts`. Raises `NotFound`."""
    rows = read_rows(db, "find_generation", generation_id=generation_id)
    if not rows:
        raise NotFound(f"There is no generation {generation_id}")
    return {**rows[0], "attempts": read_rows(db, "list_attempts", generation_id=generation_id)}


def find_webhook(db: Database, generation_id: UUID) -> DictRow:
    """The generation's webhook: its `url`, its `deliveries` in order, and all `attempts`. Raises `NotFound`."""
    return {
        "generation_id": generation_id,
        "url": find_generation(db, generation_id)["webhook_url"],
        "deliveries": read_rows(db, "list_webhook_deliveries", generation_id=generation_id, **EVERY_DELIVERY)[::-1],
        "attempts": read_rows(db, "list_webhook_attempts", generation_id=generation_id),
    }


def compare_slots(services: Services, within_s: float = COUNT_S) -> list[DictRow]:
    """How many slots the system ("global") and each user, by id, hold: `holder`, `postgresql`, `redis`, `drift`.

    `drift` is how many more Redis has. It and `redis` are None if Redis does not answer in time.
    """
    actual, proposed = count_slots(services.db), services.slots.counts(within_s)
    rows = []
    for user in [None, *sorted(user for user in actual.keys() | (proposed or {}).keys() if user)]:
        redis = None if proposed is None else proposed.get(user, 0)
        drift = None if redis is None else redis - actual[user]
        rows.append({"holder": str(user or "global"), "postgresql": actual[user], "redis": redis, "drift": drift})
    return rows


def find_course(db: Database, name: str, user_id: UUID | None) -> DictRow:
    """The `id` and `user_id` of the course with this id or slug, of that user or any. Raises `NotFound`."""
    rows = read_rows(db, "list_courses_named", id=read_id(name), slug=name, user_id=user_id)
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
        rows = read_rows(db, "find_progress", id=course_id, stalled=stalled_s)
        if not rows:
            raise NotFound("The course was deleted")
        if rows[0] != last:
            yield rows[0]
        last = rows[0]


def list_gauges(db: Database, stalled_s: float) -> list[DictRow]:
    """How much is under way and how long it has waited: `name`, `label` (a status, a queue or empty) and `value`."""
    queues = [STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE]
    return read_rows(db, "list_gauges", queues=queues, stalled=stalled_s, stuck_s=STUCK_S)
