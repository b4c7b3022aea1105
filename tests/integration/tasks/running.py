"""A run by hand, of a job that waits, and what it leaves."""

from uuid import UUID

import psycopg
import redis
from procrastinate.job_context import AbortReason
from psycopg.rows import DictRow

from app.generation.runs.verbs import Run
from tasks.stages.runner import Runner
from tasks.worker_app import WorkerApp
from tests.integration.generation.conftest import rows

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis


def claim(conn: Connection, generation_id: UUID) -> Run:
    """What the job that waits for the generation claims, marked as the queue marks a job it hands out."""
    [job] = rows(
        conn,
        "update procrastinate_jobs set status = 'doing' where queueing_lock = %s and status = 'todo' returning *",
        str(generation_id),
    )
    [generation] = rows(conn, "select * from coursegen.generations where id = %s", generation_id)
    return Run(generation_id, generation["user_id"], job["args"]["fence"], job["id"], "test", "request-1")


def run(app: WorkerApp, run: Run, abort: AbortReason | None = None) -> None:
    Runner(app.services, app.children, run, lambda: abort, lambda: True).run_stages()


def waiting_stages(conn: Connection) -> int:
    query = "select 1 from procrastinate_jobs where queue_name = 'stages' and status in ('todo', 'doing')"
    return len(rows(conn, query))


def slots_held(client: Redis) -> int:
    return int(client.zcard("concurrency:global"))


def outcomes(conn: Connection, stage: str | None = None) -> list[str | None]:
    """How each start ended, of one stage or all, the earliest first."""
    query = "select outcome::text from coursegen.attempts where %s::text is null or stage::text = %s order by id"
    return [row["outcome"] for row in rows(conn, query, stage, stage)]
