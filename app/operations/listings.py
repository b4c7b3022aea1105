"""What operators read: generations, events, webhooks, slots, courses and gauges, as rows."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.progress.status import read_id
from app.generation.progress.steps import FINAL_STATUSES
from app.generation.queue import ALERT_TASK, LIMIT_TASK, PERIODIC, QUEUES, UPKEEP_QUEUE
from app.generation.slots.holders import count_slots
from app.generation.slots.keeper import COUNT_S
from app.services import Services

#: For how long a generation that is stuck has made no progress. Longer than a stage may take by default.
STUCK_S = 900
#: Between two reads of a course that is followed.
PAUSE_S = 0.5
#: The other parameters of `list_webhook_deliveries`, for all of one generation's.
EVERY_DELIVERY = {"course": None, "failed": False, "pending": False, "since_s": 10 * 365 * 86400, "limit": 1000}

#: The parameters of `list_audit`, for all.
EVERY_CHANGE = {"generation_id": None, "actor": None, "action": None, "since_s": None}
#: What the periodic tasks do.
PERIODIC_DOES = {
    "tasks.upkeep.take_over": "Takes over the stages of dead workers.",
    "tasks.upkeep.keep_slots": "Makes Redis count the slots as PostgreSQL does.",
    "tasks.upkeep.rescue_webhooks": "Sends the webhooks of dead workers.",
    "tasks.upkeep.age": "Moves generations that have waited long up a tier in the queue.",
    LIMIT_TASK: "Moves the dynamic limit by a step, if there is reason to.",
    "tasks.upkeep.prune": "Deletes rows that are past their time.",
    "tasks.upkeep.remove_jobs": "Deletes the queue's jobs that ended a week ago.",
    ALERT_TASK: "Sends the begin and the end of each finding of doctor.",
}
#: What a periodic task may be late by: as long as the workers allow.
LATE_S = 60
#: The queue's words for the state of a job, in ours.
JOB_STATES = {"todo": "waiting", "doing": "running", "succeeded": "completed", "aborted": "cancelled"}


class NotFound(LookupError):
    """There is no such row, or several; the message names it."""


def read_rows(db: Database, query: str, **values: object) -> list[DictRow]:
    """The rows of the query of that name."""
    with db.connection() as conn:
        return conn.execute(QUERIES[query], values).fetchall()


def find_generation(db: Database, generation_id: UUID) -> DictRow:
    """The generation's row. Raises `NotFound`."""
    rows = read_rows(db, "find_generation", generation_id=generation_id)
    if not rows:
        raise NotFound(f"There is no generation {generation_id}")
    return rows[0]


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


def list_gauges(services: Services) -> list[DictRow]:
    """How much is under way and how long it has waited: `name`, `label` (a status, a queue or empty) and `value`."""
    settings = services.settings
    return read_rows(
        services.db,
        "list_gauges",
        queues=list(QUEUES),
        stalled=settings.stalled_s,
        limit=settings.global_concurrency_limit,
        stuck_s=STUCK_S,
    )


def list_periodic(services: Services) -> list[dict[str, Any]]:
    """Each periodic task: when it was last due, how that job ended, when it last failed and when it is due next.

    `workers` names the live ones that serve it.
    """
    stalled_s, upkeep_s = services.settings.stalled_s, services.settings.upkeep_s
    unused = {ALERT_TASK} if services.settings.alert_webhook_url is None else set()
    unused |= {LIMIT_TASK} if services.settings.global_concurrency_limit is not None else set()
    tasks = [task for task in PERIODIC if task not in unused]
    rows = read_rows(services.db, "list_periodic_work", tasks=tasks, queue=UPKEEP_QUEUE)
    workers = read_rows(services.db, "list_workers", stalled=stalled_s)
    serving = {worker["name"] for worker in workers if worker["is_alive"] and UPKEEP_QUEUE in worker["queues"]}
    return [_describe_periodic(row, upkeep_s) | {"workers": ", ".join(sorted(serving)) or None} for row in rows]


def _describe_periodic(row: DictRow, upkeep_s: int) -> dict[str, Any]:
    due, punctuality = None, None
    if row["last_at"] is not None:
        due = row["last_at"] + timedelta(seconds=PERIODIC[row["task"]] or upkeep_s)
        punctuality = "overdue" if datetime.now(UTC) > due + timedelta(seconds=LATE_S) else "ok"
    return {
        **row,
        "task": row["task"].rpartition(".")[2],
        "does": PERIODIC_DOES[row["task"]],
        "state": JOB_STATES.get(row["state"], row["state"]),
        "due_at": due,
        "punctuality": punctuality,
    }
