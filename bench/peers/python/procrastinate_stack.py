"""Flask and plain Procrastinate, as its documentation has it: the step and the job are written in one transaction."""

import asyncio
import json
import logging
from uuid import UUID

from flask import Flask
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from redis.asyncio import Redis

from bench.peers.python import flask_front
from bench.peers.python.bearer import User
from bench.peers.python.stack_settings import (
    DATABASE_URL,
    FIRST_STAGE,
    LAST_STAGE,
    MESSAGES,
    POOL_SIZE,
    PSYCOPG_STATEMENTS,
    REDIS_URL,
    STAGE_S,
    URGENCY,
    slot_keys,
)

log = logging.getLogger("stages")
logging.getLogger("procrastinate").setLevel(logging.WARNING)

#: Not one of the service's own queues: both use the same tables.
QUEUE = "plain-stages"

queue = App(connector=PsycopgConnector(conninfo=DATABASE_URL, min_size=1, max_size=POOL_SIZE))
pool = AsyncConnectionPool(DATABASE_URL, min_size=1, max_size=POOL_SIZE, open=False)
front_pool = ConnectionPool(DATABASE_URL, min_size=1, max_size=POOL_SIZE, open=False)
slots = Redis.from_url(REDIS_URL)


@queue.task(name="plain_stage", queue=QUEUE, retry=RetryStrategy(max_attempts=2, exponential_wait=5))
async def run_stage(course_id: str, user_id: str, step: int, priority: int) -> None:
    """Runs one stage; the transaction that ends it defers the next, which goes before what has not begun."""
    await pool.open()  # does nothing after the first call
    async with pool.connection() as conn:
        await (await conn.execute(PSYCOPG_STATEMENTS["read_course"], [course_id])).fetchone()
        await _move(conn, course_id, step, "in_progress")
    await asyncio.sleep(STAGE_S)
    async with pool.connection() as conn:
        await _move(conn, course_id, step, "completed")
        if step < LAST_STAGE:
            job = run_stage.configure(connection=conn, priority=priority)
            await job.defer_async(course_id=course_id, user_id=user_id, step=step + 1, priority=priority)
    if step == LAST_STAGE:
        user, system = slot_keys(user_id)
        await slots.pipeline().decr(user).decr(system).execute()
    log.info("stage completed course=%s step=%s", course_id, step)


async def _move(conn, course_id, step, status):
    await conn.execute(PSYCOPG_STATEMENTS["move_step"], [course_id, step, status, MESSAGES[status]])


@queue.periodic(cron="*/10 * * * *")
@queue.task(queue=QUEUE, queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Procrastinate's documented recipe, with its documented period."""
    for job in await queue.job_manager.get_stalled_jobs(queue=QUEUE):
        await queue.job_manager.retry_job(job)


def create_front() -> Flask:
    """The API."""
    front_pool.open()
    return flask_front.create_front(_find_course, _enqueue)


def _find_course(course_id: UUID):
    with front_pool.connection() as conn:
        return conn.execute(PSYCOPG_STATEMENTS["find_course"], [course_id]).fetchone()


def _enqueue(course_id: UUID, user: User) -> str:
    priority = URGENCY[user.tier]
    with front_pool.connection() as conn:
        job_id = run_stage.configure(connection=conn, priority=priority).defer(
            course_id=str(course_id), user_id=user.user_id, step=FIRST_STAGE, priority=priority + 1
        )
        metadata = json.dumps({"job_id": job_id, "tier": user.tier})
        conn.execute(PSYCOPG_STATEMENTS["complete_first_step"], [course_id, metadata])
    return str(job_id)
