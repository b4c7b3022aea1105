"""Take-over: the stages of dead workers are queued again, and jobs that the queue lost track of are closed.

Each generation is a transaction of its own, so that an error holds up no other. Safe to run twice at once: the job is
read again under its lock, and the fence admits only one.
"""

import logging
from collections.abc import Mapping, Set
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.queue import SUSPECTS_LOCK, UPKEEP_QUEUE
from app.generation.runs.cancel import settle
from app.generation.runs.verbs import DEFAULT_RULES, EXHAUSTED_MESSAGE, Rules, describe_stages, warn_of_refused_course
from app.generation.slots.keeper import SlotKeeper
from app.generation.stages import Stage
from app.telemetry.log import bind

#: How long a run may outlive its timeout.
PATIENCE_S = 30

#: The log event of each outcome of `take_over_stage_v1`.
EVENTS = {"taken_over": "stage_taken_over", "failed": "stage_starts_exhausted", "job_closed": "job_closed"}

log = logging.getLogger(__name__)


def take_over(
    db: Database,
    keeper: SlotKeeper,
    rules: Rules = DEFAULT_RULES,
    *,
    stalled_s: float,
    timeouts_s: Mapping[Stage, float],
) -> int:
    """Queues every stage whose worker is dead again under a new fence, or fails it after its last start.

    Dead: without a heartbeat for `stalled_s`, or well past the stage's own timeout. Also queues a job for each
    active generation without one, and closes jobs whose run has ended. Cancels what may not go on: its course has
    a new owner, or the platform set it to cancelled. Returns how many were changed.
    """
    overdue_s = {stage: timeout_s + PATIENCE_S for stage, timeout_s in timeouts_s.items()}
    limits = {
        "stalled_s": stalled_s,
        "stages": Jsonb(describe_stages(rules, overdue_s)),
        "suspects_lock": SUSPECTS_LOCK,
        "exhausted": EXHAUSTED_MESSAGE,
    }
    with db.connection() as conn:
        stopped = conn.execute(QUERIES["list_stopped"]).fetchall()
        abandoned = conn.execute(QUERIES["list_abandoned"], limits).fetchall()
        upkeep = {"queue": UPKEEP_QUEUE, "stalled_s": stalled_s}
        deleted = only_row(conn.execute(QUERIES["delete_dead_jobs"], upkeep))["deleted"]
    for row in stopped:
        _settle_stopped(db, keeper, row)
    return int(deleted) + sum(_take_over_generation(db, keeper, row, limits) for row in abandoned)


def disown(db: Database, worker_id: int, held: Set[int], missed: Set[int]) -> set[int]:
    """Returns the jobs that the queue marks as this worker's, but the worker does not hold.

    Those that were `missed` last time too are orphaned now: `take_over` treats them like the jobs of a dead worker.
    """
    with db.connection() as conn:
        marked = conn.execute(QUERIES["list_jobs_of_worker"], {"worker_id": worker_id}).fetchall()
        lost = {int(row["id"]) for row in marked} - held
        if given_up := sorted(lost & missed):
            conn.execute(QUERIES["disown_jobs"], {"worker_id": worker_id, "job_ids": given_up})
            log.warning("jobs_disowned", extra={"queueJobIds": given_up})
    return lost


def _settle_stopped(db: Database, keeper: SlotKeeper, row: Mapping[str, Any]) -> None:
    """Cancels the generation if it may still not go on. An error is logged and leaves it for the next time."""
    generation_id, user_id = row["generation_id"], row["user_id"]
    with bind(jobId=generation_id, userId=user_id, requestId=row["request_id"]):
        try:
            settle(db, keeper, generation_id, user_id)
            log.warning("generation_stopped")
        except psycopg.Error:
            log.exception("settle_failed")


def _take_over_generation(db: Database, keeper: SlotKeeper, row: Mapping[str, Any], limits: Mapping[str, Any]) -> bool:
    """Whether anything was changed. An error is logged and leaves the generation for the next time."""
    generation_id, user_id = row["generation_id"], row["user_id"]
    with bind(jobId=generation_id, userId=user_id, requestId=row["request_id"]):
        try:
            with db.statement() as conn:
                taken = only_row(conn.execute(QUERIES["take_over_stage"], {**row, **limits}))
            outcome = taken["outcome"]
            if outcome == "none":
                return False
            warn_of_refused_course(taken)
            log.warning(EVENTS[outcome], extra={"stage": taken["stage"], "fence": taken["fence"]})
            if outcome != "taken_over":
                settle(db, keeper, generation_id, user_id)
        except psycopg.Error:
            log.exception("take_over_failed")
            return False
        return True
