"""What may go wrong with a run: its stage is queued again under a new fence, or generation and course are failed.

Every function takes the caller's transaction, never commits, and passes the fence before it writes.
"""

import textwrap
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.events import Event, EventType, record
from app.generation.progress.steps import STEPS, StepStatus, change_step
from app.generation.queue import LATER, defer_stage
from app.generation.runs.fence import Begun, Run, claim, guarded, hold
from app.generation.webhooks.outbox import announce

#: Starts of one stage that may go wrong before the generation fails.
MAX_STARTS = 3
#: Characters of a message for the course's owner.
MAX_MESSAGE = 1000

STARTS_MESSAGE = "Этап прерван несколько раз подряд. Попробуйте запустить генерацию ещё раз."


def take_over(conn: Connection[Any], run: Run) -> str:
    """The stage of a run that died is queued again at once under a new fence, or all is failed after its third start.

    A last start is made while no other suspect runs: with a stage that kills its worker die those beside it, and they
    must not fail for it.
    Returns "stage_taken_over" or "stage_starts_exhausted". Raises `Superseded`, having written nothing, where the run
    no longer held the generation.
    """
    generation = claim(conn, run)
    starts = _count_starts(conn, run)
    if starts >= MAX_STARTS:
        fail(conn, run, generation["course_id"], STARTS_MESSAGE, {"stage": run.stage.value})
        return "stage_starts_exhausted"
    fence = guarded(conn, "raise_fence", run)["fence"]
    _defer(conn, run, fence, generation["priority"], suspect=starts == MAX_STARTS - 1)
    return "stage_taken_over"


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
        record(conn, Event(EventType.WORKER_TIMEOUT, run.user_id, begun.course_id, str(run.generation_id), facts))
    starts = _count_starts(conn, run)
    if final or starts >= MAX_STARTS:
        fail(conn, run, begun.course_id, message, {"stage": run.stage.value, "starts": starts, "outcome": outcome})
        return True
    _hand_over(conn, begun, delay_s=backoff_s * 2 ** (starts - 1))
    return False


def hand_back(conn: Connection[Any], begun: Begun, outcome: str) -> None:
    """The stage is queued again at once, for another worker; this start does not count. Raises `Superseded`."""
    hold(conn, begun)
    _finish_attempt(conn, begun, outcome)
    _hand_over(conn, begun, delay_s=0)


def close_attempt(conn: Connection[Any], begun: Begun) -> None:
    """The start is recorded as superseded; nothing else is touched."""
    _finish_attempt(conn, begun, "superseded")


def fail(conn: Connection[Any], run: Run, course_id: UUID, message: str, details: Mapping[str, Any]) -> None:
    """Generation, course and step are failed, whatever starts are left. The caller has locked them.

    `message`: for the course's owner, shortened. Raises `Superseded`.
    """
    step = STEPS[run.stage]
    message = textwrap.shorten(message, MAX_MESSAGE, placeholder=" …")
    change_step(conn, course_id, step.id, StepStatus.FAILED, step.failed, "failed", error=message, details=details)
    failure = {"message": message, "details": Jsonb(dict(details))}
    conn.execute(QUERIES["fail_course"], {"course_id": course_id, **failure})
    generation = guarded(conn, "fail_generation", run, **failure)
    if generation["has_webhook"]:
        announce(conn, run.generation_id, "failed", message)


def _count_starts(conn: Connection[Any], run: Run) -> int:
    key = {"generation_id": run.generation_id, "stage": run.stage.value}
    return int(only_row(conn.execute(QUERIES["count_starts"], key))["starts"])


def _finish_attempt(conn: Connection[Any], begun: Begun, outcome: str, error: str | None = None) -> None:
    values = {"attempt_id": begun.attempt_id, "outcome": outcome, "error": error}
    conn.execute(QUERIES["finish_attempt"], values)


def _hand_over(conn: Connection[Any], begun: Begun, delay_s: float) -> None:
    fence = guarded(conn, "raise_fence", begun.run)["fence"]
    _defer(conn, begun.run, fence, begun.priority, delay_s)


def _defer(
    conn: Connection[Any],
    run: Run,
    fence: int,
    priority: int,
    delay_s: float = 0,
    *,
    suspect: bool = False,
) -> None:
    defer_stage(
        conn,
        run.stage,
        generation_id=run.generation_id,
        user_id=run.user_id,
        request_id=run.request_id,
        fence=fence,
        priority=priority + LATER,
        delay_s=delay_s,
        suspect=suspect,
    )
