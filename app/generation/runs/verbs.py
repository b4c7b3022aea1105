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
from app.generation.errors import StageFull, StartsExhausted, Superseded
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STEP, STEPS, StepStatus, change
from app.generation.stages import Stage, StageRules

#: When a stage that is full or paused is tried again, in seconds.
FULL_S = 5
#: Characters of a message for the course's owner.
MAX_MESSAGE = 1000

#: For the course's owner, when a stage has used up its starts.
EXHAUSTED_MESSAGE = "Этап прерван несколько раз подряд. Попробуйте запустить генерацию ещё раз."

Rules = Mapping[Stage, StageRules]
DEFAULT_RULES: Rules = dict.fromkeys(Stage, StageRules())

#: The results of earlier stages that each stage reads.
NEEDS: Mapping[Stage, tuple[str, ...]] = {
    Stage.DOCUMENT_PROCESSING: (),
    Stage.STRUCTURE_ANALYSIS: (),
    Stage.STRUCTURE_GENERATION: ("documents", "titles", "brief"),
    Stage.TEXT_GENERATION: ("documents", "titles", "brief", "outline"),
    Stage.FINALIZATION: ("outline", "drafts"),
}

#: Shown while an operator has paused the stage.
PAUSED_MESSAGE = "Генерация приостановлена и продолжится сама."
#: Shown while a provider is busy, and the owner's message when that lasts too long.
BUSY_MESSAGE = "Внешний сервис занят. Генерация продолжится сама."
TOO_BUSY_MESSAGE = "Внешний сервис слишком долго занят. Попробуйте запустить генерацию позже."

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
    traceparent: str | None = None


def count_start(conn: Connection[Any], run: Run, rules: Rules = DEFAULT_RULES) -> Start:
    """Counts the start of the generation's stage. After the last, the generation has failed: `StartsExhausted`.

    Raises `StageFull` if no more of the stage may run now, or an operator has paused it: a later job will try again.
    """
    row = run_verb(conn, "count_start", run, stages=Jsonb(describe_stages(rules)), exhausted=EXHAUSTED_MESSAGE)
    if row["outcome"] == "exhausted":
        raise StartsExhausted(run.generation_id)
    if row["outcome"] == "full":
        raise StageFull(run.generation_id)
    return Start(
        run,
        Stage(row["stage"]),
        row["attempt_id"],
        row["course_id"],
        row["tier"],
        row["priority"],
        traceparent=row["traceparent"],
    )


def begin_stage(conn: Connection[Any], start: Start) -> Start:
    """Sets the stage's step in progress and reads the stage's input."""
    begun = _describe_begun(start.stage)
    values = {**begun, "change": Jsonb(begun["change"]), "first_change": Jsonb(_FIRST_STEP)}
    row = run_verb(conn, "begin_stage", start.run, attempt_id=start.attempt_id, **values)
    return replace(start, input=row["input"])


def complete_stage(
    conn: Connection[Any],
    start: Start,
    rows: bytes | memoryview,
    lessons: int,
    rules: Rules = DEFAULT_RULES,
    *,
    may_continue: bool,
) -> Start | None:
    """Stores the stage's result, once; then starts or queues the next stage, or completes generation and course.

    `rows` is the result in JSON, as `coursegen.store_stage_result` stores it, `lessons` how many lessons it has. With
    `may_continue` the run's own job goes on with the next stage, unless something more urgent waits or that stage is
    full, and it is returned, begun. Else a new job is queued.
    """
    step, next_stage = STEPS[start.stage], start.stage.next
    changes: list[dict[str, Any]] = [change(step.id, StepStatus.COMPLETED, step.completed)]
    if start.stage is Stage.STRUCTURE_GENERATION:
        changes.append(_lessons(0, lessons))
    elif start.stage is Stage.TEXT_GENERATION:
        changes.append(_lessons(lessons, lessons))
    row = run_verb(
        conn,
        "complete_stage",
        start.run,
        stage=start.stage.value,
        attempt_id=start.attempt_id,
        result=Json(rows, as_it_is),
        changes=Jsonb(changes),
        status=step.course_status,
        next=next_stage and Jsonb(_describe_begun(next_stage) | {"at_once": rules[next_stage].at_once}),
        **{"continue": may_continue},
    )
    if next_stage is None or row["outcome"] != "continued":
        return None
    return replace(start, stage=next_stage, attempt_id=row["attempt_id"], input=row["input"])


def fail_or_retry_stage(
    conn: Connection[Any], start: Start, outcome: str, error: str, rules: StageRules, *, message: str, final: bool
) -> Literal["retried", "failed"]:
    """Queues a stage whose start has gone wrong again after a backoff, or fails generation and course.

    `error` is for operators, `message` for the course's owner. Fails at once if `final`, else after the last start.
    """
    row = run_verb(
        conn,
        "fail_or_retry_stage",
        start.run,
        attempt_id=start.attempt_id,
        outcome=outcome,
        error=error,
        final=final,
        most_starts=rules.starts,
        backoff_s=rules.backoff_s,
        step=STEPS[start.stage].failed,
        message=textwrap.shorten(message, MAX_MESSAGE, placeholder=" …"),
    )
    return "failed" if row["outcome"] == "failed" else "retried"


def pause_stage(
    conn: Connection[Any], start: Start, why: str, rules: StageRules, pause_s: float | None
) -> Literal["paused", "failed"]:
    """Queues the stage again after a provider's pause, or after a backoff if it named none. This start does not count.

    `why` is for operators. After `rules.pause_s` without a saved unit, generation and course have failed.
    """
    row = run_verb(
        conn,
        "pause_stage",
        start.run,
        attempt_id=start.attempt_id,
        pause_s=pause_s,
        backoff_s=rules.backoff_s,
        most_s=rules.pause_s,
        why=why,
        waiting=BUSY_MESSAGE,
        step=STEPS[start.stage].failed,
        message=TOO_BUSY_MESSAGE,
    )
    return "failed" if row["outcome"] == "failed" else "paused"


def hand_back_stage(conn: Connection[Any], start: Start, outcome: str) -> None:
    """Queues the stage again at once, for another worker; this start does not count."""
    run_verb(conn, "hand_back_stage", start.run, attempt_id=start.attempt_id, outcome=outcome)


def close_attempt(conn: Connection[Any], start: Start) -> None:
    """Records the start as superseded; nothing else changes."""
    conn.execute(QUERIES["close_attempt"], {"attempt_id": start.attempt_id, "outcome": "superseded"})


def report_units(conn: Connection[Any], start: Start, done: float, total: int) -> None:
    """Records that the stage works and, while lessons are written, how many are done.

    A fraction of `done` is the share of the unit in hand, which the step's message shows.
    """
    whole = int(done)
    counts: dict[str, Any] = _lessons(whole, total) if start.stage is Stage.TEXT_GENERATION else {"alive": True}
    if whole != done:
        percent = min(round((done - whole) * 100), 99)
        counts["message"] = f"{STEPS[start.stage].started} {whole + 1} из {total}: {percent} %"
    run_verb(conn, "report_units", start.run, stage=start.stage.value, change=Jsonb(counts))


def record_reader_faults(conn: Connection[Any], start: Start, faults: Sequence[Mapping[str, str]]) -> None:
    """Records an event for each document on which a reader broke. A stage that completes records its own."""
    values = {"generation_id": start.run.generation_id, "faults": Jsonb(list(faults))}
    conn.execute(QUERIES["record_reader_faults"], values)


def keep_log(conn: Connection[Any], start: Start, lines: str) -> None:
    """Keeps the last lines of the start's log with its attempt."""
    conn.execute(QUERIES["keep_attempt_log"], {"attempt_id": start.attempt_id, "lines": lines})


def describe_stages(rules: Rules, overdue_s: Mapping[Stage, float] | None = None) -> dict[str, dict[str, Any]]:
    """Describes each stage for verbs that read the stage from the row: its starts, its failed step, its end."""
    return {
        stage.value: {
            "most_starts": rules[stage].starts,
            "at_once": rules[stage].at_once,
            "full_s": FULL_S,
            "waiting": PAUSED_MESSAGE,
            "failed": step.failed,
        }
        | ({} if overdue_s is None else {"overdue_s": overdue_s[stage]})
        for stage, step in STEPS.items()
    }


def warn_of_refused_course(row: DictRow) -> None:
    """Logs that the platform refused the change of a course whose generation ended all the same."""
    if row.get("refused"):
        log.warning("course_refused", extra={"error": row["refused"]})


def run_verb(conn: Connection[Any], verb: str, run: Run, **values: Any) -> DictRow:
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


def as_it_is(text: Any) -> Any:
    return text


def _describe_begun(stage: Stage) -> dict[str, Any]:
    step = STEPS[stage]
    begun = change(step.id, StepStatus.IN_PROGRESS, step.started)
    return {"stage": stage.value, "change": begun, "status": step.course_status, "needs": list(NEEDS[stage])}


def _lessons(done: int, total: int) -> dict[str, Any]:
    return {"lessons_completed": done, "lessons_total": total}
