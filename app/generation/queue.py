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

from app.db import only_row
from app.generation.stages import Stage
from app.queries import QUERIES

STAGES_QUEUE = "stages"
UPKEEP_QUEUE = "upkeep"

#: One task per stage.
TASKS = {stage: f"tasks.stages.{stage.value.lower()}" for stage in Stage}

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
) -> int:
    """One job runs the stage once the caller's transaction commits, and none if it rolls back. Returns its id.

    A generation has at most one job waiting: a second one violates the queueing lock.
    """
    generation, user = str(generation_id), str(user_id)
    # What configure_task(…).defer(…) would make of it, without describing the job twice for a log that is off.
    job = Job(
        task_name=TASKS[stage],
        queue=STAGES_QUEUE,
        priority=priority,
        lock=None,
        queueing_lock=generation,
        scheduled_at=_database_time(conn, delay_s) if delay_s else None,
        task_kwargs={"generation_id": generation, "user_id": user, "request_id": request_id, "fence": fence},
    )
    with _database_errors():
        return cast(int, _queue.job_manager.defer_job(job, connection=conn).id)


def abort_jobs(conn: Connection[Any], generation_id: UUID) -> None:
    """Once the caller's transaction commits, the generation's waiting job never starts and its running one is asked
    to stop.
    """
    rows = conn.execute(QUERIES["list_jobs"], {"generation_id": generation_id}).fetchall()
    for row in rows:
        with _database_errors():
            _queue.job_manager.cancel_job_by_id(row["id"], abort=True, connection=conn)


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
