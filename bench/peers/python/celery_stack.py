"""Flask and Celery on Redis: the step and the task are written one after the other."""

import json
import logging
import time
from uuid import UUID, uuid4

from celery import Celery
from celery.signals import worker_process_init
from flask import Flask
from psycopg_pool import ConnectionPool
from redis import Redis

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
pool = ConnectionPool(DATABASE_URL, min_size=1, max_size=POOL_SIZE, kwargs={"autocommit": True}, open=False)
slots = Redis.from_url(REDIS_URL)

queue = Celery("courses", broker=REDIS_URL)
queue.conf.update(
    task_ignore_result=True,
    # A task is acknowledged when it ends, so that a dead worker's tasks are delivered again.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"queue_order_strategy": "priority", "priority_steps": list(range(10)), "sep": ":"},
)


@worker_process_init.connect
def open_pool(**_: object) -> None:
    """Each child of the worker opens its own pool."""
    pool.open()


@queue.task(name="run_stage", autoretry_for=(Exception,), max_retries=2, retry_backoff=5)
def run_stage(course_id: str, user_id: str, step: int, priority: int) -> None:
    """Runs one stage and enqueues the next, which goes before what has not begun."""
    with pool.connection() as conn:
        conn.execute(PSYCOPG_STATEMENTS["read_course"], [course_id]).fetchone()
        _move(conn, course_id, step, "in_progress")
    time.sleep(STAGE_S)
    with pool.connection() as conn:
        _move(conn, course_id, step, "completed")
    if step < LAST_STAGE:
        run_stage.apply_async((course_id, user_id, step + 1, priority), priority=priority)
    else:
        user, system = slot_keys(user_id)
        slots.pipeline().decr(user).decr(system).execute()
    log.info("stage completed course=%s step=%s", course_id, step)


def _move(conn, course_id, step, status):
    conn.execute(PSYCOPG_STATEMENTS["move_step"], [course_id, step, status, MESSAGES[status]])


def create_front() -> Flask:
    """The API."""
    pool.open()
    return flask_front.create_front(_find_course, _enqueue)


def _find_course(course_id: UUID):
    with pool.connection() as conn:
        return conn.execute(PSYCOPG_STATEMENTS["find_course"], [course_id]).fetchone()


def _enqueue(course_id: UUID, user: User) -> str:
    job_id = str(uuid4())
    metadata = json.dumps({"job_id": job_id, "tier": user.tier})
    with pool.connection() as conn:
        conn.execute(PSYCOPG_STATEMENTS["complete_first_step"], [course_id, metadata])
    # On Redis the lowest number goes first, from 0 to 9.
    priority = 10 - URGENCY[user.tier]
    values = (str(course_id), user.user_id, FIRST_STAGE, max(0, priority - 1))
    run_stage.apply_async(values, task_id=job_id, priority=priority)
    return job_id
