"""Take-over: what a dead worker left goes on with another, and what the queue lost track of is put right.

Each piece is one transaction a job, so that one that fails holds up no other, and safe to run twice at once: the job's
row is locked and looked at again, and the fence lets only one past.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection

from app.db import Database
from app.generation import runs
from app.generation.cancellation import settle
from app.generation.errors import Superseded
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE
from app.generation.runs import Run
from app.generation.slots import SlotKeeper
from app.generation.stages import Stage
from app.log import bind
from app.queries import QUERIES

#: How long a generation may be without a job, or an ended run's job stay marked as running, before it is put right.
PATIENCE_S = 30

log = logging.getLogger(__name__)


def take_over(db: Database, keeper: SlotKeeper, *, stalled_s: float, timeout_s: float) -> int:
    """Every stage whose worker is dead is queued again under a new fence, or failed after its third start.

    Dead: without a heartbeat for `stalled_s`, or well past the stage's own `timeout_s`. Also every active generation
    without a job gets one, and jobs whose run has ended are closed. Returns how many were touched.
    """
    limits = {"stalled": stalled_s, "overdue": timeout_s + PATIENCE_S}
    orphaned = _read(db, "list_orphaned_jobs", queue=STAGES_QUEUE, **limits)
    jobless = _read(db, "list_jobless", queue=STAGES_QUEUE, patience=PATIENCE_S)
    left = _read(db, "list_left_jobs", queue=STAGES_QUEUE, patience=PATIENCE_S)
    upkeep = _read(db, "delete_dead_upkeep", queue=UPKEEP_QUEUE, stalled=stalled_s)
    touched = int(upkeep[0]["deleted"])
    for row in orphaned:
        touched += _one_by_one(db, keeper, row, partial(_take_over_job, limits))
    for row in jobless:
        touched += _one_by_one(db, keeper, {**row, "job_id": 0}, runs.take_over)
    for row in left:
        with db.connection() as conn:
            closed = conn.execute(QUERIES["delete_job"], {"job_id": row["job_id"]}).fetchone()
        if closed is not None:
            touched += 1
            log.warning("job_closed", extra={"queueJobId": row["job_id"]})
    return touched


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
    runs.lock(conn, run.generation_id)
    if conn.execute(QUERIES["lock_orphaned_job"], {**key, **limits}).fetchone() is None:
        return None
    conn.execute(QUERIES["close_dead_attempts"], key)
    conn.execute(QUERIES["delete_job"], key)
    try:
        return runs.take_over(conn, run)
    except Superseded:
        return "job_closed"
