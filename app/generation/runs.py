"""One run of a stage, as the database sees it: begun, then ended in exactly one way.

Every function takes the caller's transaction and never commits. Each locks the course first, then the generation,
and passes the fence before it writes: a run whose generation is final, gone or handed to a later run gets
`Superseded` and has written nothing.
"""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Json, Jsonb

from app.db import only_row
from app.generation.errors import Superseded
from app.generation.events import Event, EventType, record
from app.generation.progress import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS, StepStatus
from app.generation.queue import defer_stage, next_job
from app.generation.stages import Stage
from app.generation.webhooks import announce
from app.queries import QUERIES

#: Starts of one stage that may go wrong before the generation fails.
MAX_STARTS = 3
#: By how much the priority of later runs is higher: what is begun goes before what is not.
LATER = 1
#: Characters of a message for the course's owner.
MAX_MESSAGE = 1000
_write_json = partial(json.dumps, ensure_ascii=False)

STARTS_MESSAGE = "Этап прерван несколько раз подряд. Попробуйте запустить генерацию ещё раз."


@dataclass(frozen=True, slots=True)
class Run:
    """A job's claim: this stage of this generation under this fence."""

    generation_id: UUID
    user_id: UUID
    stage: Stage
    fence: int
    job_id: int
    worker: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that holds its generation.

    `given` is what a stage is to know: the `course`, and what earlier ones stored, as `begin_stage` tells.
    """

    run: Run
    attempt_id: int
    course_id: UUID
    tier: str
    priority: int
    has_webhook: bool
    given: Mapping[str, Any]


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
        _fail(conn, run, row["course_id"], STARTS_MESSAGE, {"stage": run.stage.value})
        return None
    if row["recovered"]:
        _record_recovery(conn, run, row["course_id"])
    if row["has_webhook"]:
        announce(conn, run.generation_id, step.course_status)
    return Begun(run, row["attempt_id"], row["course_id"], row["tier"], row["priority"], row["has_webhook"], row)


def take_over(conn: Connection[Any], run: Run) -> str:
    """The stage of a run that died is queued again at once under a new fence, or all is failed after its third start.

    A last start is made while no other suspect runs: with a stage that kills its worker die those beside it, and they
    must not fail for it.
    Returns "stage_taken_over" or "stage_starts_exhausted". Raises `Superseded`, having written nothing, where the run
    no longer held the generation.
    """
    generation = _claim(conn, run)
    starts = _count_starts(conn, run)
    if starts >= MAX_STARTS:
        _fail(conn, run, generation["course_id"], STARTS_MESSAGE, {"stage": run.stage.value})
        return "stage_starts_exhausted"
    fence = _guarded(conn, "raise_fence", run)["fence"]
    _defer(conn, run, run.stage, fence, generation["priority"], suspect=starts == MAX_STARTS - 1)
    return "stage_taken_over"


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


def fail_or_retry(
    conn: Connection[Any],
    begun: Begun,
    outcome: str,
    error: str,
    *,
    message: str,
    final: bool,
    backoff_s: float,
) -> bool:
    """The start is recorded as gone wrong; the stage is queued again after a backoff, or all is failed.

    `error` is for operators, `message` for the course's owner. A `final` error is not tried again, nor one after the
    third start. True: generation and course are failed. Raises `Superseded`.
    """
    run = begun.run
    hold(conn, begun)
    _finish_attempt(conn, begun, outcome, error)
    if outcome == "timeout":
        facts = {"stage": run.stage.value, "request_id": run.request_id}
        record(
            conn,
            Event(EventType.WORKER_TIMEOUT, run.user_id, begun.course_id, str(run.generation_id), facts),
        )
    starts = _count_starts(conn, run)
    if final or starts >= MAX_STARTS:
        _fail(conn, run, begun.course_id, message, {"stage": run.stage.value, "starts": starts, "outcome": outcome})
        return True
    _hand_over(conn, begun, delay_s=backoff_s * 2 ** (starts - 1))
    return False


def hand_back(conn: Connection[Any], begun: Begun, outcome: str) -> None:
    """The stage is queued again at once, for another worker; this start does not count. Raises `Superseded`."""
    hold(conn, begun)
    _finish_attempt(conn, begun, outcome)
    _hand_over(conn, begun, delay_s=0)


def report_units(conn: Connection[Any], begun: Begun, done: int, total: int) -> None:
    """The course shows how far the stage is: its lessons while they are written. Raises `Superseded`."""
    hold(conn, begun)
    if begun.run.stage is Stage.TEXT_GENERATION:
        count_lessons(conn, begun.course_id, done, total)
    else:
        conn.execute(QUERIES["touch_course"], {"course_id": begun.course_id})


def count_lessons(conn: Connection[Any], course_id: UUID, completed: int, total: int) -> None:
    """The course's progress says how many lessons are done, of how many."""
    conn.execute(QUERIES["count_lessons"], {"course_id": course_id, "completed": completed, "total": total})


def close_attempt(conn: Connection[Any], begun: Begun) -> None:
    """The start is recorded as superseded; nothing else is touched."""
    _finish_attempt(conn, begun, "superseded")


def change_step(
    conn: Connection[Any],
    course_id: UUID,
    step: int,
    status: StepStatus,
    message: str,
    course_status: str | None = None,
    *,
    error: str | None = None,
    details: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """The course's step, and its status if one is given, are as said, where the step may go there."""
    conn.execute(
        QUERIES["change_step"],
        {
            "course_id": course_id,
            "step": step,
            "status": status.value,
            "message": message,
            "error": error,
            "details": None if details is None else Jsonb(dict(details)),
            "metadata": Jsonb(dict(metadata or {})),
            "course_status": course_status,
        },
    )


def hold(conn: Connection[Any], begun: Begun) -> Mapping[str, Any]:
    """The fence is passed: course and generation are locked and this run may write; returns the generation.

    Raises `Superseded`.
    """
    run = begun.run
    conn.execute(QUERIES["lock_course_of_generation"], {"generation_id": run.generation_id})
    return _guarded(conn, "pass_fence", run)


def lock(conn: Connection[Any], generation_id: UUID) -> DictRow | None:
    """The generation, locked, and its course before it; None where there is none."""
    key = {"generation_id": generation_id}
    conn.execute(QUERIES["lock_course_of_generation"], key)
    return conn.execute(QUERIES["lock_generation"], key).fetchone()


def _claim(conn: Connection[Any], run: Run) -> Mapping[str, Any]:
    """The generation, locked, if it is active, still its user's, at the run's stage and fence."""
    generation = lock(conn, run.generation_id)
    if generation is None or generation["status"] not in ("queued", "running"):
        raise Superseded(run.generation_id)
    if not generation["owned"]:
        raise Superseded(run.generation_id)
    if (generation["stage"], generation["fence"]) != (run.stage.value, run.fence):
        raise Superseded(run.generation_id)
    return generation


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


def _guarded(conn: Connection[Any], query: str, run: Run, **values: object) -> Mapping[str, Any]:
    guard = {"generation_id": run.generation_id, "stage": run.stage.value, "fence": run.fence}
    row: Mapping[str, Any] | None = conn.execute(QUERIES[query], {**guard, **values}).fetchone()
    if row is None:
        raise Superseded(run.generation_id)
    return row


def _record_recovery(conn: Connection[Any], run: Run, course_id: UUID) -> None:
    facts = {"stage": run.stage.value, "worker": run.worker, "request_id": run.request_id}
    record(conn, Event(EventType.ORPHANED_JOB_RECOVERY, run.user_id, course_id, str(run.generation_id), facts))


def _count_starts(conn: Connection[Any], run: Run) -> int:
    key = {"generation_id": run.generation_id, "stage": run.stage.value}
    return int(only_row(conn.execute(QUERIES["count_starts"], key))["starts"])


def _finish_attempt(conn: Connection[Any], begun: Begun, outcome: str, error: str | None = None) -> None:
    values = {"attempt_id": begun.attempt_id, "outcome": outcome, "error": error}
    conn.execute(QUERIES["finish_attempt"], values)


def _hand_over(conn: Connection[Any], begun: Begun, delay_s: float) -> None:
    fence = _guarded(conn, "raise_fence", begun.run)["fence"]
    _defer(conn, begun.run, begun.run.stage, fence, begun.priority, delay_s)


def _defer(
    conn: Connection[Any],
    run: Run,
    stage: Stage,
    fence: int,
    priority: int,
    delay_s: float = 0,
    *,
    suspect: bool = False,
) -> None:
    defer_stage(
        conn,
        stage,
        generation_id=run.generation_id,
        user_id=run.user_id,
        request_id=run.request_id,
        fence=fence,
        priority=priority + LATER,
        delay_s=delay_s,
        suspect=suspect,
    )


def _fail(conn: Connection[Any], run: Run, course_id: UUID, message: str, details: Mapping[str, Any]) -> None:
    step = STEPS[run.stage]
    message = textwrap.shorten(message, MAX_MESSAGE, placeholder=" …")
    change_step(conn, course_id, step.id, StepStatus.FAILED, step.failed, "failed", error=message, details=details)
    failure = {"message": message, "details": Jsonb(dict(details))}
    conn.execute(QUERIES["fail_course"], {"course_id": course_id, **failure})
    generation = _guarded(conn, "fail_generation", run, **failure)
    if generation["has_webhook"]:
        announce(conn, run.generation_id, "failed", message)
