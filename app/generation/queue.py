"""The queue as the domain uses it: jobs are deferred in the caller's transaction, by name.

This App is never opened, so a call that forgets `connection=` raises AppNotOpen instead of committing apart.
Workers open `tasks.app`; a test compares its tasks with the names and queues here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg import Connection
from psycopg.types.json import Jsonb

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.stages import Stage

STAGES_QUEUE = "stages"
UPKEEP_QUEUE = "upkeep"
WEBHOOKS_QUEUE = "webhooks"

#: By how much the priority of a generation's later jobs is higher: what is begun goes before what is not.
LATER = 1
#: Held by a stage that may be what kills the workers.
SUSPECTS_LOCK = "suspects"

#: One task per stage.
TASKS = {stage: f"tasks.stages.{stage.value.lower()}" for stage in Stage}
#: And back.
STAGES = {task: stage for stage, task in TASKS.items()}
WEBHOOK_TASK = "tasks.webhooks.deliver"
#: Before the generation's id in the queueing lock of its webhook's job.
WEBHOOK_LOCK = "webhook:"

_queue = App(connector=SyncPsycopgConnector())


def defer_stage(
    conn: Connection[Any],
    stage: Stage,
    *,
    generation_id: UUID,
    user_id: UUID,
    request_id: str | None,
    fence: int,
    priority: int,
    delay_s: float = 0,
    suspect: bool = False,
) -> int:
    """One job runs the stage once the caller's transaction commits, and none if it rolls back. Returns its id.

    A generation has at most one job waiting: a second one violates the queueing lock. Of suspects one runs at a time.
    """
    # What configure_task(…).defer(…) would make of it, without describing the job twice for a log that is off.
    job = Job(
        task_name=TASKS[stage],
        queue=STAGES_QUEUE,
        priority=priority,
        lock=SUSPECTS_LOCK if suspect else None,
        queueing_lock=str(generation_id),
        scheduled_at=_database_time(conn, delay_s) if delay_s else None,
        task_kwargs=_stage_arguments(str(generation_id), str(user_id), request_id, fence),
    )
    with _database_errors():
        return cast(int, _queue.job_manager.defer_job(job, connection=conn).id)


def first_job(
    with_documents: Stage, without_documents: Stage, *, generation_id: UUID, user_id: UUID, request_id: str | None
) -> dict[str, Any]:
    """What the query `start_generations` defers a generation's first job with: the same job as `defer_stage` would.

    Which of the two stages it is, the course's documents decide under its lock.
    """
    return {
        "stage_with_documents": with_documents.value,
        "stage_without_documents": without_documents.value,
        "task_with_documents": TASKS[with_documents],
        "task_without_documents": TASKS[without_documents],
        "args": _stage_arguments(generation_id, user_id, request_id, fence=1),
    }


def next_job(
    stage: Stage | None, generation_id: UUID, user_id: UUID, request_id: str | None, fence: int
) -> dict[str, Any]:
    """What the query `complete_stage` defers the next stage with: the same job as `defer_stage` would."""
    if stage is None:
        return {"task": None, "queue": None, "args": None}
    arguments = _stage_arguments(str(generation_id), str(user_id), request_id, fence)
    return {"task": TASKS[stage], "queue": STAGES_QUEUE, "args": Jsonb(arguments)}


def defer_webhook(conn: Connection[Any], generation_id: UUID, delay_s: float = 0) -> int:
    """One job sends what waits for the generation's webhook, after the delay, if the caller's transaction commits.

    Returns its id. A second one that waits violates the queueing lock.
    """
    job = Job(
        task_name=WEBHOOK_TASK,
        queue=WEBHOOKS_QUEUE,
        priority=0,
        lock=None,
        queueing_lock=f"{WEBHOOK_LOCK}{generation_id}",
        scheduled_at=_database_time(conn, delay_s) if delay_s else None,
        task_kwargs={"generation_id": str(generation_id)},
    )
    with _database_errors():
        return cast(int, _queue.job_manager.defer_job(job, connection=conn).id)


def cancel_webhook(conn: Connection[Any], generation_id: UUID) -> None:
    """No job waits for the generation's webhook once the caller's transaction commits."""
    lock = {"queueing_lock": f"{WEBHOOK_LOCK}{generation_id}"}
    for row in conn.execute(QUERIES["list_webhook_jobs"], lock).fetchall():
        with _database_errors():
            _queue.job_manager.cancel_job_by_id(row["id"], connection=conn)


def abort_jobs(conn: Connection[Any], generation_id: UUID) -> None:
    """Once the caller's transaction commits, the generation's waiting job never starts and its running one is asked
    to stop.
    """
    rows = conn.execute(QUERIES["list_jobs"], {"generation_id": generation_id}).fetchall()
    for row in rows:
        with _database_errors():
            _queue.job_manager.cancel_job_by_id(row["id"], abort=True, connection=conn)


def _stage_arguments(
    generation_id: UUID | str, user_id: UUID | str, request_id: str | None, fence: int
) -> dict[str, Any]:
    return {
        "generation_id": generation_id,
        "user_id": user_id,
        "request_id": request_id,
        "fence": fence,
    }


def _database_time(conn: Connection[Any], delay_s: float) -> datetime:
    return cast(datetime, only_row(conn.execute(QUERIES["schedule_time"], {"seconds": delay_s}))["at"])


@contextmanager
def _database_errors() -> Iterator[None]:
    """Procrastinate wraps the database's errors; the domain classifies them unwrapped."""
    try:
        yield
    except ConnectorException as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, psycopg.Error):
            raise cause from None
        raise
