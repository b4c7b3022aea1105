"""Take-over: what a dead worker left goes on with another, once, and what the queue lost is put right."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
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
from tests.integration.tasks.processes import WorkerProcess, wait_until
from tests.integration.tasks.running import claim

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
StartWorker = Callable[..., WorkerProcess]

#: As shipped, ten times as fast.
FAST = {"HEARTBEAT_S": "0.5", "STALLED_S": "2", "UPKEEP_S": "1"}
STAGES = ["STRUCTURE_ANALYSIS", "STRUCTURE_GENERATION", "TEXT_GENERATION", "FINALIZATION"]


def outcomes(conn: Connection, stage: str = "STRUCTURE_ANALYSIS") -> list[str | None]:
    query = "select outcome::text from coursegen.attempts where stage = %s order by id"
    return [row["outcome"] for row in rows(conn, query, stage)]


def completed_once(conn: Connection, redis_client: Redis) -> bool:
    """One set of results a stage, no slot held, no job left."""
    results = rows(conn, "select stage::text from coursegen.stage_results order by finished_at")
    jobs = rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages' and status in ('todo', 'doing')")
    return [row["stage"] for row in results] == STAGES and not jobs and redis_client.zcard("concurrency:global") == 0


def test_a_killed_workers_stage_goes_on_with_another(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    first = start_worker(handlers={Stage.STRUCTURE_ANALYSIS: "hangs"}, **FAST)
    wait_until((tmp_path / "hanging").exists)
    first.process.kill()
    start_worker(**FAST)
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    wait_until(lambda: completed_once(conn, redis_client), seconds=5)
    assert outcomes(conn) == ["died", "completed"]


def test_a_frozen_workers_writes_are_refused_when_it_wakes(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    zombie = start_worker("--queues", "stages", handlers={Stage.STRUCTURE_ANALYSIS: "waits"}, **FAST)
    wait_until((tmp_path / "hanging").exists)
    zombie.process.send_signal(signal.SIGSTOP)
    (tmp_path / "go").touch()  # the handler, a process of its own, finishes meanwhile
    start_worker(**FAST)
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    zombie.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "run_superseded" in zombie.output)
    wait_until(lambda: completed_once(conn, redis_client), seconds=5)
    assert outcomes(conn) == ["superseded", "completed"]  # it did not die, so its start does not count
    assert zombie.process.poll() is None


def test_a_stage_that_kills_its_worker_each_time_has_three_starts(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    generation_id = start_generation(make_course())
    start_worker("--queues", "upkeep", **FAST)
    for starts in (1, 2, 3):
        worker = start_worker("--queues", "stages", handlers={Stage.STRUCTURE_ANALYSIS: "kills_its_worker"}, **FAST)
        worker.process.wait(30)
        assert len(outcomes(conn)) == starts
    wait_until(lambda: status_of(conn, generation_id) == "failed")
    assert outcomes(conn) == ["died"] * 3
    assert rows(conn, "select status, error_message is null as silent from courses") == [
        {"status": "failed", "silent": False}
    ]
    wait_until(lambda: redis_client.zcard("concurrency:global") == 0)


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
    assert outcomes(conn) == ["completed"]


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
    assert outcomes(conn) == ["interrupted", "completed"]


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
    assert outcomes(conn) == ["died"]
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
