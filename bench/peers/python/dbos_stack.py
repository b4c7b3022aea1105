"""Flask and DBOS: one durable workflow a generation, enqueued in the transaction that marks the course as started.

Run as a program, this is the worker.
"""

import json
import logging
import threading
import time
from uuid import UUID, uuid4

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource
from flask import Flask
from redis import Redis

from bench.peers.python import flask_front
from bench.peers.python.bearer import User
from bench.peers.python.stack_settings import (
    CONCURRENCY,
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
QUEUE, WORKFLOW = "generations", "generate_course"
#: A second by default, which would be all that is measured of empty stages.
POLL_S = 0.1


def create_front() -> Flask:
    """The API."""
    url = sa.make_url(DATABASE_URL).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, pool_size=POOL_SIZE)
    client = DBOSClient(system_database_engine=engine)

    def find_course(course_id: UUID):
        with engine.connect() as conn:
            return conn.exec_driver_sql(PSYCOPG_STATEMENTS["find_course"], (course_id,)).first()

    def enqueue(course_id: UUID, user: User) -> str:
        job_id = str(uuid4())
        metadata = json.dumps({"job_id": job_id, "tier": user.tier})
        # The lowest number goes first, from 1.
        options = {"queue_name": QUEUE, "workflow_name": WORKFLOW, "workflow_id": job_id}
        options["priority"] = 11 - URGENCY[user.tier]
        with engine.begin() as conn:
            conn.exec_driver_sql(PSYCOPG_STATEMENTS["complete_first_step"], (course_id, metadata))
            client.enqueue_in_transaction(conn, options, str(course_id), user.user_id)
        return job_id

    return flask_front.create_front(find_course, enqueue)


def run_worker() -> None:
    """Runs workflows until the process ends."""
    DBOS(
        config={
            "name": "courses",
            "application_version": "1",
            "system_database_url": DATABASE_URL,
            "log_level": "WARNING",
        }
    )
    slots = Redis.from_url(REDIS_URL)
    source = SQLAlchemyDatasource.create(DATABASE_URL, engine_kwargs={"pool_size": POOL_SIZE})

    @source.transaction(isolation_level="READ COMMITTED")
    def begin_stage(course_id: str, step: int) -> None:
        conn = source.sql_session().connection()
        conn.exec_driver_sql(PSYCOPG_STATEMENTS["read_course"], (course_id,)).first()
        move(conn, course_id, step, "in_progress")

    @source.transaction(isolation_level="READ COMMITTED")
    def complete_stage(course_id: str, step: int) -> None:
        move(source.sql_session().connection(), course_id, step, "completed")

    def move(conn: sa.Connection, course_id: str, step: int, status: str) -> None:
        conn.exec_driver_sql(PSYCOPG_STATEMENTS["move_step"], (course_id, step, status, MESSAGES[status]))

    @DBOS.step(retries_allowed=True)
    def release_slots(user_id: str) -> None:
        user, system = slot_keys(user_id)
        slots.pipeline().decr(user).decr(system).execute()

    @DBOS.workflow(name=WORKFLOW)
    def generate_course(course_id: str, user_id: str) -> None:
        for step in range(FIRST_STAGE, LAST_STAGE + 1):
            begin_stage(course_id, step)
            time.sleep(STAGE_S)
            complete_stage(course_id, step)
            log.info("stage completed course=%s step=%s", course_id, step)
        release_slots(user_id)

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=POLL_S)
    threading.Event().wait()


if __name__ == "__main__":
    run_worker()
