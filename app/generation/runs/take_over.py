"""Take-over: what a dead worker left goes on with another, and what the queue lost track of is put right.

Each piece is one transaction a job, so that one that fails holds up no other, and safe to run twice at once: the job's
row is locked and looked at again, and the fence lets only one past.
"""

import logging
from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.errors import Superseded
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE
from app.generation.runs import setbacks
from app.generation.runs.cancel import settle
from app.generation.runs.fence import Run, lock
from app.generation.slots.keeper import SlotKeeper
from app.generation.stages import Stage
from app.telemetry.log import bind

#: How long a run may outlive its timeout.
PATIENCE_S = 30
#: How long a process may say nothing in a transaction: as long as its session's `idle_in_transaction_session_timeout`.
SILENT_S = 5

log = logging.getLogger(__name__)


def take_over(db: Database, keeper: SlotKeeper, *, stalled_s: float, timeout_s: float) -> int:
    """Every stage whose worker is dead is queued again under a new fence, or failed after its third start.

    Dead: without a heartbeat for `stalled_s`, or well past the stage's own `timeout_s`. Also every active generation
    without a job gets one, and jobs whose run has ended in another way are closed. Returns how many were touched.
    """
    for session in _read(db, "end_frozen_sessions", silent=SILENT_S):
        log.warning("session_ended", extra={"backend": session["pid"]})
    limits = {"stalled": stalled_s, "overdue": timeout_s + PATIENCE_S}
    orphaned = _read(db, "list_orphaned_jobs", queue=STAGES_QUEUE, **limits)
    jobless = _read(db, "list_jobless", queue=STAGES_QUEUE)
    upkeep = _read(db, "delete_dead_jobs", queue=UPKEEP_QUEUE, stalled=stalled_s)
    touched = int(upkeep[0]["deleted"])
    for row in orphaned:
        touched += _one_by_one(db, keeper, row, partial(_take_over_job, limits))
    for row in jobless:
        touched += _one_by_one(db, keeper, {**row, "job_id": 0}, _take_over_jobless)
    return touched


def disown(db: Database, worker_id: int, held: Set[int], missed: Set[int]) -> set[int]:
    """The jobs marked as this worker's that it does not hold. Of these, the `missed` of last time are orphaned now.

    So a worker that lives gives up what it doesn't run, and `take_over` sees to it as to what the dead leave.
    """
    with db.connection() as conn:
        marked = conn.execute(QUERIES["list_jobs_of_worker"], {"worker_id": worker_id}).fetchall()
        lost = {int(row["id"]) for row in marked} - held
        if given_up := sorted(lost & missed):
            conn.execute(QUERIES["disown_jobs"], {"worker_id": worker_id, "job_ids": given_up})
            log.warning("jobs_disowned", extra={"queueJobIds": given_up})
    return lost


def _read(db: Database, query: str, **values: object) -> list[dict[str, Any]]:
    with db.connection() as conn:
        return conn.execute(QUERIES[query], values).fetchall()


def _one_by_one(
    db: Database, keeper: SlotKeeper, row: dict[str, Any], take: Callable[[Connection[Any], Run], str | None]
) -> bool:
    """Whether the one was taken over, failed or closed; an error is logged and leaves it for the next time."""
    run = Run(
        row["generation_id"], row["user_id"], Stage(row["stage"]), row["fence"], row["job_id"], "", row["request_id"]
    )
    with bind(jobId=run.generation_id, userId=run.user_id, stage=run.stage.value, requestId=run.request_id):
        try:
            with db.transaction() as conn:
                outcome = take(conn, run)
        except Superseded:
            settle(db, keeper, run.generation_id, run.user_id)
            return False  # it went on by itself meanwhile, or belongs to nobody
        except psycopg.Error:
            log.exception("take_over_failed")
            return False
        if outcome is None:
            return False
        log.warning(outcome, extra={"fence": run.fence})
        if outcome != "stage_taken_over":
            settle(db, keeper, run.generation_id, run.user_id)
        return True


def _take_over_job(limits: Mapping[str, float], conn: Connection[Any], run: Run) -> str | None:
    key = {"job_id": run.job_id}
    # Course and generation first: that is the order of locks everywhere.
    lock(conn, run.generation_id)
    if conn.execute(QUERIES["lock_orphaned_job"], {**key, **limits}).fetchone() is None:
        return None
    conn.execute(QUERIES["close_dead_attempts"], key)
    conn.execute(QUERIES["delete_job"], key)
    try:
        return setbacks.take_over(conn, run)
    except Superseded:
        return "job_closed"


def _take_over_jobless(conn: Connection[Any], run: Run) -> str:
    lock(conn, run.generation_id)
    conn.execute(QUERIES["close_interrupted_attempts"], {"generation_id": run.generation_id})
    return setbacks.take_over(conn, run)
