"""The good course of a run: its stage begins, and is completed.

Every function takes the caller's transaction and never commits. Each passes the fence before it writes: a run whose
generation is final, gone or handed to a later run gets `Superseded` and has written nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Json

from app.database.queries import QUERIES
from app.generation.errors import Superseded
from app.generation.events import Event, EventType, record
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS
from app.generation.queue import LATER, next_job
from app.generation.runs.fence import Begun, Run, hold
from app.generation.runs.setbacks import MAX_STARTS, STARTS_MESSAGE, fail
from app.generation.stages import Stage
from app.generation.webhooks.outbox import announce

_write_json = partial(json.dumps, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What a stage made, as `store_stage_result` takes it; `lessons` are counted: how many are done, of how many."""

    rows: Any
    lessons: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """What is over with a stage: the whole `generation` with the last one; the run's `job`, where it was running.

    `taken`: the job that was taken instead, as the queue tells of one that it hands out; its own, where that goes on.
    `begun`: then the next stage, if it has begun.
    """

    generation: bool
    job: bool
    taken: Mapping[str, Any] | None = None
    begun: Begun | None = None


@dataclass(frozen=True, slots=True)
class Taker:
    """A worker that goes on at once, as the queue knows it; `queues`: those it serves, None for all."""

    worker_id: int
    queues: list[str] | None


class OneStatementTooFew(Exception):
    """The run needs a transaction of several statements; this one has written nothing."""


def begin(conn: Connection[Any], run: Run, needs: Sequence[str] = (), *, alone: bool = False) -> Begun | None:
    """The stage's step is in progress and this start is counted. None: it had its starts, and the generation failed.

    Where the first step was never completed, it is now, with the event `orphaned_job_recovery`. `needs`: what is to
    be read of that which earlier stages stored. `alone`: in one statement, a transaction of its own where `conn` is in
    none.
    Raises `Superseded` when there is nothing to run; `OneStatementTooFew` when it is to be alone and can't.
    """
    step = STEPS[run.stage]
    values = {
        "generation_id": run.generation_id,
        "stage": run.stage.value,
        "fence": run.fence,
        "job_id": run.job_id,
        "alone": alone,
        **_beginning(run, run.stage, needs),
    }
    row = conn.execute(QUERIES["begin_stage"], values).fetchone()
    if row is None:
        raise Superseded(run.generation_id)
    if row["more"]:
        raise OneStatementTooFew
    if row["exhausted"]:
        fail(conn, run, row["course_id"], STARTS_MESSAGE, {"stage": run.stage.value})
        return None
    if row["recovered"]:
        _record_recovery(conn, run, row["course_id"])
    if row["has_webhook"]:
        announce(conn, run.generation_id, step.course_status)
    return Begun(run, row["attempt_id"], row["course_id"], row["tier"], row["priority"], row["has_webhook"], row)


def complete(
    conn: Connection[Any], begun: Begun, result: Result, taker: Taker | None = None, needs: Sequence[str] = ()
) -> Completed:
    """The stage is done, its result stored once, and the next stage queued; the run's own job is over.

    With a `taker` the job that is next in its queues is its own. Where that is the next stage, the run's own job goes
    on with it, and it has begun as by `begin`, with what it `needs`. One statement, and so a transaction of its own
    where `conn` is in none, unless the generation has a webhook. Raises `Superseded`.
    """
    run, step, next_stage = begun.run, STEPS[begun.run.stage], begun.run.stage.next
    done, total = result.lessons or (None, None)
    values = {
        "generation_id": run.generation_id,
        "stage": run.stage.value,
        "fence": run.fence,
        "attempt_id": begun.attempt_id,
        "job_id": run.job_id,
        "step": step.id,
        "message": step.completed,
        "next_stage": next_stage and next_stage.value,
        "result": Json(result.rows, dumps=_write_json),
        "lessons_completed": done,
        "lessons_total": total,
        "priority": begun.priority + LATER,
        "queues": taker and taker.queues,
        "worker_id": taker and taker.worker_id,
        **next_job(next_stage, run.generation_id, run.user_id, run.request_id, run.fence),
        **_beginning(run, next_stage, needs),
    }
    row = conn.execute(QUERIES["complete_stage"], values).fetchone()
    if row is None:
        raise Superseded(run.generation_id)
    if begun.has_webhook:
        announce(conn, run.generation_id, "completed" if next_stage is None else step.course_status)
    taken = row if row["id"] is not None else None
    if next_stage is None or row["attempt_id"] is None:
        return Completed(next_stage is None, row["job_ended"], taken)
    next_run = replace(run, stage=next_stage)
    following = replace(begun, run=next_run, attempt_id=row["attempt_id"], given=row)
    return Completed(False, row["job_ended"], taken, following)


def report_units(conn: Connection[Any], begun: Begun, done: int, total: int) -> None:
    """The course shows how far the stage is: its lessons while they are written. Raises `Superseded`."""
    hold(conn, begun)
    if begun.run.stage is Stage.TEXT_GENERATION:
        conn.execute(QUERIES["count_lessons"], {"course_id": begun.course_id, "completed": done, "total": total})
    else:
        conn.execute(QUERIES["touch_course"], {"course_id": begun.course_id})


def _beginning(run: Run, stage: Stage | None, needs: Sequence[str]) -> dict[str, Any]:
    """What `begin_stage` is told of the stage that begins, None for none."""
    step = STEPS[stage] if stage else None
    return {
        "worker": run.worker,
        "most_starts": MAX_STARTS,
        "next_step": step and step.id,
        "next_message": step and step.started,
        "next_status": step and step.course_status,
        "first_step": ADMITTED_STEP,
        "first_message": ADMITTED_MESSAGE,
        "needs": list(needs),
    }


def _record_recovery(conn: Connection[Any], run: Run, course_id: UUID) -> None:
    facts = {"stage": run.stage.value, "worker": run.worker, "request_id": run.request_id}
    record(conn, Event(EventType.ORPHANED_JOB_RECOVERY, run.user_id, course_id, str(run.generation_id), facts))
