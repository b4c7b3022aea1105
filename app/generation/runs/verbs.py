"""The verbs of a run, one statement each. They raise `Superseded` if the run no longer holds its generation.

Each function runs one versioned SQL function of `sql/functions/verbs`, which describes it and its outcomes. Outside a
transaction it commits by itself.
"""

import logging
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import DictRow
from psycopg.types.json import Json, Jsonb

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.errors import StartsExhausted, Superseded
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS, StepStatus, change
from app.generation.stages import Stage

#: Failed starts of one stage after which the generation fails.
MAX_STARTS = 3
#: Characters of a message for the course's owner.
MAX_MESSAGE = 1000

#: For the course's owner, when a stage has used up its starts.
EXHAUSTED_MESSAGE = "Этап прерван несколько раз подряд. Попробуйте запустить генерацию ещё раз."

#: The results of earlier stages that each stage reads.
NEEDS: Mapping[Stage, tuple[str, ...]] = {
    Stage.DOCUMENT_PROCESSING: (),
    Stage.STRUCTURE_ANALYSIS: (),
    Stage.STRUCTURE_GENERATION: ("documents", "titles", "brief"),
    Stage.TEXT_GENERATION: ("documents", "titles", "brief", "outline"),
    Stage.FINALIZATION: ("outline", "drafts"),
}

_FIRST_STEP = change(ADMITTED_STEP, StepStatus.COMPLETED, ADMITTED_MESSAGE, recovered_by_worker=True)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """A job that carries a generation through its stages. It may write while it holds the fence."""

    generation_id: UUID
    user_id: UUID
    fence: int
    job_id: int
    worker: str
    request_id: str | None = None


#: Parameters of every verb, by the names of the run's fields. `asdict`, which copies them, took 5 % of a worker.
_RUN_PARAMETERS = tuple(field.name for field in fields(Run))


@dataclass(frozen=True, slots=True)
class Start:
    """A counted start of a stage by a run. Once the stage has begun, `input` is the JSON of `read_stage_input`."""

    run: Run
    stage: Stage
    attempt_id: int
    course_id: UUID
    tier: str
    priority: int
    input: bytes = b""


def count_start(conn: Connection[Any], run: Run) -> Start:
    """Counts the start of the generation's stage. After the last, the generation has failed: `StartsExhausted`."""
    row = _run_verb(conn, "count_start", run, stages=Jsonb(describe_stages()), exhausted=EXHAUSTED_MESSAGE)
    if row["outcome"] == "exhausted":
        raise StartsExhausted(run.generation_id)
    return Start(run, Stage(row["stage"]), row["attempt_id"], row["course_id"], row["tier"], row["priority"])


def begin_stage(conn: Connection[Any], start: Start) -> Start:
    """Sets the stage's step in progress and reads the stage's input."""
    begun = _describe_begun(start.stage)
    values = {**begun, "change": Jsonb(begun["change"]), "first_change": Jsonb(_FIRST_STEP)}
    row = _run_verb(conn, "begin_stage", start.run, attempt_id=start.attempt_id, **values)
    return replace(start, input=row["input"])


def complete_stage(
    conn: Connection[Any], start: Start, rows: bytes | memoryview, lessons: int, *, may_continue: bool
) -> Start | None:
    """Stores the stage's result, once; then starts or queues the next stage, or completes generation and course.

    `rows` is the result in JSON, as `coursegen.store_stage_result` stores it, `lessons` how many lessons it has. With
    `may_continue` the run's own job goes on with the next stage, unless something more urgent waits, and that stage is
    returned, begun. Else a new job is queued.
    """
    step, next_stage = STEPS[start.stage], start.stage.next
    changes: list[dict[str, Any]] = [change(step.id, StepStatus.COMPLETED, step.completed)]
    if start.stage is Stage.STRUCTURE_GENERATION:
        changes.append(_lessons(0, lessons))
    elif start.stage is Stage.TEXT_GENERATION:
        changes.append(_lessons(lessons, lessons))
    row = _run_verb(
        conn,
        "complete_stage",
        start.run,
        stage=start.stage.value,
        attempt_id=start.attempt_id,
        result=Json(rows, _as_it_is),
        changes=Jsonb(changes),
        status=step.course_status,
        next=next_stage and Jsonb(_describe_begun(next_stage)),
        **{"continue": may_continue},
    )
    if next_stage is None or row["outcome"] != "continued":
        return None
    return replace(start, stage=next_stage, attempt_id=row["attempt_id"], input=row["input"])


def fail_or_retry_stage(
    conn: Connection[Any], start: Start, outcome: str, error: str, *, message: str, final: bool, backoff_s: float
) -> Literal["retried", "failed"]:
    """Queues a stage whose start has gone wrong again after a backoff, or fails generation and course.

    `error` is for operators, `message` for the course's owner. Fails at once if `final`, else after the third start.
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
    """Queues the stage again at once, for another worker; this start does not count."""
    _run_verb(conn, "hand_back_stage", start.run, attempt_id=start.attempt_id, outcome=outcome)


def close_attempt(conn: Connection[Any], start: Start) -> None:
    """Records the start as superseded; nothing else changes."""
    conn.execute(QUERIES["close_attempt"], {"attempt_id": start.attempt_id, "outcome": "superseded"})


def report_units(conn: Connection[Any], start: Start, done: int, total: int) -> None:
    """Records that the stage works and, while lessons are written, how many are done."""
    counts = _lessons(done, total) if start.stage is Stage.TEXT_GENERATION else {"alive": True}
    _run_verb(conn, "report_units", start.run, stage=start.stage.value, change=Jsonb(counts))


def record_reader_faults(conn: Connection[Any], start: Start, faults: Sequence[Mapping[str, str]]) -> None:
    """Records an event for each document on which a reader broke. A stage that completes records its own."""
    values = {"generation_id": start.run.generation_id, "faults": Jsonb(list(faults))}
    conn.execute(QUERIES["record_reader_faults"], values)


def describe_stages(overdue_s: Mapping[Stage, float] | None = None) -> dict[str, dict[str, Any]]:
    """Describes each stage for verbs that read the stage from the row: its starts, its failed step, its end."""
    return {
        stage.value: {"most_starts": MAX_STARTS, "failed": step.failed}
        | ({} if overdue_s is None else {"overdue_s": overdue_s[stage]})
        for stage, step in STEPS.items()
    }


def warn_of_refused_course(row: DictRow) -> None:
    """Logs that the platform refused the change of a course whose generation ended all the same."""
    if row.get("refused"):
        log.warning("course_refused", extra={"error": row["refused"]})


def _run_verb(conn: Connection[Any], verb: str, run: Run, **values: Any) -> DictRow:
    parameters = {name: getattr(run, name) for name in _RUN_PARAMETERS} | values
    cursor = conn.cursor()
    cursor.adapters.register_loader("json", _JsonText)
    row: DictRow = only_row(cursor.execute(QUERIES[verb], parameters))
    if row["outcome"] == "superseded":
        raise Superseded(run.generation_id)
    warn_of_refused_course(row)
    return row


class _JsonText(Loader):
    """Returns JSON as it is: only a stage's input has this type, and only its handler reads it."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def _as_it_is(text: Any) -> Any:
    return text


def _describe_begun(stage: Stage) -> dict[str, Any]:
    step = STEPS[stage]
    begun = change(step.id, StepStatus.IN_PROGRESS, step.started)
    return {"stage": stage.value, "change": begun, "status": step.course_status, "needs": list(NEEDS[stage])}


def _lessons(done: int, total: int) -> dict[str, Any]:
    return {"lessons_completed": done, "lessons_total": total}
