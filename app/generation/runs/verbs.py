"""The verbs of a run, one statement each. A run that no longer holds its generation gets `Superseded`.

Each function runs one versioned SQL function of `sql/functions/verbs`, which describes it and its outcomes. As a
statement of its own it is a transaction.
"""

import json
import logging
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Json, Jsonb

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.errors import StartsExhausted, Superseded
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS, StepStatus, change
from app.generation.runs.stage_run import BegunStage, Run, Start
from app.generation.stages import Stage

#: Starts of one stage that may go wrong before the generation fails.
MAX_STARTS = 3
#: Characters of a message for the course's owner.
MAX_MESSAGE = 1000

#: For the course's owner, when a stage has used up its starts.
EXHAUSTED_MESSAGE = "Этап прерван несколько раз подряд. Попробуйте запустить генерацию ещё раз."

_FIRST_STEP = change(ADMITTED_STEP, StepStatus.COMPLETED, ADMITTED_MESSAGE, recovered_by_worker=True)

_write_json = partial(json.dumps, ensure_ascii=False)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What a stage made, as `store_stage_result` stores it; `lessons`: how many are done, of how many."""

    rows: Any
    lessons: tuple[int, int] | None = None


def count_start(conn: Connection[Any], run: Run) -> Start:
    """The start of the generation's stage is counted. Raises `StartsExhausted`, the generation being failed then."""
    values = {"stages": Jsonb(describe_stages()), "exhausted": EXHAUSTED_MESSAGE}
    row = _run_verb(conn, "count_start", run, job_id=run.job_id, worker=run.worker, **values)
    if row["outcome"] == "exhausted":
        raise StartsExhausted(run.generation_id)
    return Start(run, Stage(row["stage"]), row["attempt_id"], row["course_id"], row["tier"], row["priority"])


def begin_stage(conn: Connection[Any], start: Start, needs: Sequence[str]) -> BegunStage:
    """The stage's step is in progress. `needs`: what to read of that which earlier stages stored."""
    row = _run_verb(
        conn,
        "begin_stage",
        start.run,
        attempt_id=start.attempt_id,
        change=Jsonb(_begun(start.stage)),
        status=STEPS[start.stage].course_status,
        needs=list(needs),
        first_change=Jsonb(_FIRST_STEP),
    )
    return BegunStage(start, row["input"])


def complete_stage(
    conn: Connection[Any], start: Start, result: Result, needs: Sequence[str], *, may_continue: bool
) -> BegunStage | None:
    """The stage's result is stored, once, and the next stage follows, or generation and course are completed.

    With `may_continue` the run's own job goes on with the next stage unless something more urgent waits: returns that
    stage, begun. Else a new job is queued.
    """
    run, step, next_stage = start.run, STEPS[start.stage], start.stage.next
    changes: list[dict[str, Any]] = [change(step.id, StepStatus.COMPLETED, step.completed)]
    if result.lessons is not None:
        changes.append(_lessons(*result.lessons))
    row = _run_verb(
        conn,
        "complete_stage",
        run,
        stage=start.stage.value,
        attempt_id=start.attempt_id,
        job_id=run.job_id,
        worker=run.worker,
        result=Json(result.rows, dumps=_write_json),
        changes=Jsonb(changes),
        status=step.course_status,
        next=None if next_stage is None else Jsonb(_next(next_stage, needs)),
        **{"continue": may_continue},
    )
    if next_stage is None or row["outcome"] != "continued":
        return None
    return BegunStage(replace(start, stage=next_stage, attempt_id=row["attempt_id"]), row["input"])


def fail_or_retry_stage(
    conn: Connection[Any], start: Start, outcome: str, error: str, *, message: str, final: bool, backoff_s: float
) -> Literal["retried", "failed"]:
    """The start has gone wrong: the stage is queued again after a backoff, or generation and course are failed.

    `error` is for operators, `message` for the course's owner. A `final` error is not retried, nor one after the third
    start.
    """
    row = _run_verb(
        conn,
        "fail_or_retry_stage",
        start.run,
        attempt_id=start.attempt_id,
        outcome=outcome,
        error=error,
        final=final,
        most_starts=MAX_STARTS,
        backoff_s=backoff_s,
        step=STEPS[start.stage].failed,
        message=textwrap.shorten(message, MAX_MESSAGE, placeholder=" …"),
    )
    return "failed" if row["outcome"] == "failed" else "retried"


def hand_back_stage(conn: Connection[Any], start: Start, outcome: str) -> None:
    """The stage is queued again at once, for another worker; this start does not count."""
    _run_verb(conn, "hand_back_stage", start.run, attempt_id=start.attempt_id, outcome=outcome)


def close_attempt(conn: Connection[Any], start: Start) -> None:
    """The start is recorded as superseded; nothing else changes."""
    conn.execute(QUERIES["close_attempt"], {"attempt_id": start.attempt_id, "outcome": "superseded"})


def report_units(conn: Connection[Any], start: Start, done: int, total: int) -> None:
    """The course shows how far the stage is: its lessons while they are written."""
    counts = _lessons(done, total) if start.stage is Stage.TEXT_GENERATION else {"alive": True}
    _run_verb(conn, "report_units", start.run, stage=start.stage.value, change=Jsonb(counts))


def describe_stages(**limits: float) -> dict[str, dict[str, Any]]:
    """What the verbs that find the stage themselves need to know of each: its starts, its failed step, the limits."""
    return {stage.value: {"most_starts": MAX_STARTS, "failed": step.failed, **limits} for stage, step in STEPS.items()}


def warn_of_refused_course(row: DictRow) -> None:
    """Logs that the platform refused the change of a course whose generation ended all the same."""
    if row.get("refused"):
        log.warning("course_refused", extra={"error": row["refused"]})


def _run_verb(conn: Connection[Any], verb: str, run: Run, **values: Any) -> DictRow:
    guard = {"generation_id": run.generation_id, "fence": run.fence}
    row: DictRow = only_row(conn.execute(QUERIES[verb], {**guard, **values}))
    if row["outcome"] == "superseded":
        raise Superseded(run.generation_id)
    warn_of_refused_course(row)
    return row


def _begun(stage: Stage) -> dict[str, Any]:
    step = STEPS[stage]
    return change(step.id, StepStatus.IN_PROGRESS, step.started)


def _next(stage: Stage, needs: Sequence[str]) -> dict[str, Any]:
    return {
        "stage": stage.value,
        "change": _begun(stage),
        "status": STEPS[stage].course_status,
        "needs": list(needs),
    }


def _lessons(done: int, total: int) -> dict[str, Any]:
    return {"lessons_completed": done, "lessons_total": total}
