"""Take-over of jobs that nobody runs: each goes on once, and what the queue lost is put right."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.generation.queue import SUSPECTS_LOCK
from app.generation.runs.take_over import disown, take_over
from app.generation.runs.verbs import count_start, hand_back_stage
from app.generation.stages import Stage
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work
from tests.integration.tasks.running import claim, outcomes

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis


@pytest.fixture
def fetch(conn: Connection) -> Callable[..., int]:
    """Marks the waiting job as run by a worker, dead or alive; returns its id."""

    def fetch(alive: bool) -> int:
        age = "0 s" if alive else "1 hour"
        [worker] = rows(
            conn,
            "insert into procrastinate_workers (last_heartbeat) values (now() - %s::interval) returning id",
            age,
        )
        [job] = rows(
            conn,
            "update procrastinate_jobs set status = 'doing', worker_id = %s where status = 'todo' returning id",
            worker["id"],
        )
        return int(job["id"])

    return fetch


def taken_over(services: Services) -> int:
    return take_over(services.db, services.slots, stalled_s=20, timeouts_s=dict.fromkeys(Stage, 600.0))


def test_a_live_workers_job_is_left_alone(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    fetch: Callable[..., int],
) -> None:
    start_generation(make_course())
    fetch(alive=True)
    conn.execute("update coursegen.generations set created_at = now() - interval '1 hour'")
    assert taken_over(services) == 0


def test_a_worker_killed_before_it_began_is_replaced_without_a_counted_start(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    fetch: Callable[..., int],
) -> None:
    generation_id = start_generation(make_course())
    fetch(alive=False)
    assert taken_over(services) == 1
    work(make_worker())
    assert status_of(conn, generation_id) == "completed"
    assert outcomes(conn, "STRUCTURE_ANALYSIS") == ["completed"]


def test_a_worker_killed_after_our_commit_has_no_second_effect(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    fetch: Callable[..., int],
) -> None:
    generation_id = start_generation(make_course())
    fetch(alive=False)
    conn.execute(
        "update coursegen.generations"
        " set status = 'running', started_at = now(), stage = 'STRUCTURE_GENERATION', fence = 2"
    )
    assert taken_over(services) == 1
    assert rows(conn, "select fence, status::text from coursegen.generations") == [{"fence": 2, "status": "running"}]
    assert rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages'") == []
    assert generation_id


def test_a_deleted_courses_orphaned_job_is_closed_and_its_slot_free(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    fetch: Callable[..., int],
) -> None:
    start_generation(make_course())
    fetch(alive=False)
    conn.execute("delete from courses")
    assert taken_over(services) == 1
    assert rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages'") == []
    assert redis_client.zcard("concurrency:global") == 0


def test_of_two_take_overs_at_once_one_queues_the_stage(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    fetch: Callable[..., int],
) -> None:
    start_generation(make_course())
    fetch(alive=False)
    gate = threading.Barrier(4)

    def ask(_: int) -> int:
        gate.wait(10)
        return taken_over(services)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(ask, range(4))) == 1
    assert rows(conn, "select fence from coursegen.generations") == [{"fence": 2}]
    assert len(rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages'")) == 1


@pytest.mark.parametrize("status", ["failed", "cancelled", "aborted", "succeeded", None])
def test_an_active_generation_without_a_job_gets_one(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    status: Any,
) -> None:
    generation_id = start_generation(make_course())
    if status is None:
        conn.execute("delete from procrastinate_jobs")
    else:
        conn.execute("update procrastinate_jobs set status = %s", [status])
    assert taken_over(services) == 1
    work(make_worker())
    assert status_of(conn, generation_id) == "completed"


def test_a_job_its_live_worker_does_not_hold_is_given_up_the_second_time_and_goes_on(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    fetch: Callable[..., int],
) -> None:
    generation_id: UUID = start_generation(make_course())
    job_id = fetch(alive=True)
    [worker] = rows(conn, "select id from procrastinate_workers")
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
        " values (%s, 'STRUCTURE_ANALYSIS', 1, %s, 'w')",
        [generation_id, job_id],
    )
    assert disown(services.db, worker["id"], held={job_id}, missed={job_id}) == set()
    assert disown(services.db, worker["id"], held=set(), missed=set()) == {job_id}
    assert taken_over(services) == 0
    assert disown(services.db, worker["id"], held=set(), missed={job_id}) == {job_id}
    assert disown(services.db, worker["id"], held=set(), missed={job_id}) == set()
    assert taken_over(services) == 1
    work(make_worker())
    assert status_of(conn, generation_id) == "completed"
    assert outcomes(conn, "STRUCTURE_ANALYSIS") == ["interrupted", "completed"]


def test_a_run_that_is_long_past_its_timeout_is_taken_over_from_a_live_worker(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    fetch: Callable[..., int],
) -> None:
    generation_id = start_generation(make_course())
    job_id = fetch(alive=True)
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker, started_at)"
        " values (%s, 'STRUCTURE_ANALYSIS', 1, %s, 'w', now() - interval '625 s')",
        [generation_id, job_id],
    )
    assert taken_over(services) == 0
    conn.execute("update coursegen.attempts set started_at = now() - interval '635 s'")
    assert taken_over(services) == 1
    assert outcomes(conn, "STRUCTURE_ANALYSIS") == ["died"]
    assert rows(conn, "select fence from coursegen.generations") == [{"fence": 2}]


def test_the_last_start_runs_alone_also_after_it_was_handed_back(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker, finished_at, outcome)"
        " select %s, 'STRUCTURE_ANALYSIS', 1, -n, 'w', now(), 'died' from generate_series(1, 2) n",
        [generation_id],
    )
    conn.execute("delete from procrastinate_jobs")
    assert taken_over(services) == 1
    suspect = claim(conn, generation_id)
    with services.db.statement() as verb:
        start = count_start(verb, suspect)
    with services.db.statement() as verb:
        hand_back_stage(verb, start, "shutdown")
    [job] = rows(conn, "select lock from procrastinate_jobs where status = 'todo'")
    assert job["lock"] == SUSPECTS_LOCK


def test_an_old_job_that_an_operator_queued_again_does_not_keep_the_stage_from_the_queue(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    conn.execute("update procrastinate_jobs set status = 'failed'")  # the database was away when it ended
    assert taken_over(services) == 1
    current = claim(conn, generation_id)
    conn.execute(
        "select procrastinate_retry_job_v2(id, now(), 0, null, null) from procrastinate_jobs where status = 'failed'"
    )
    with services.db.statement() as verb:
        start = count_start(verb, current)
    with services.db.statement() as verb:
        hand_back_stage(verb, start, "shutdown")
    [job] = rows(conn, "select args from procrastinate_jobs where status = 'todo'")
    assert job["args"]["fence"] == 3
