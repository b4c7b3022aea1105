"""Killed and frozen workers: what one left goes on with another, once."""

import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis
from psycopg.rows import DictRow

from app.generation.stages import Stage
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.processes import FAST, WorkerProcess, wait_until
from tests.integration.tasks.running import outcomes

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
StartWorker = Callable[..., WorkerProcess]

STAGES = ["STRUCTURE_ANALYSIS", "STRUCTURE_GENERATION", "TEXT_GENERATION", "FINALIZATION"]


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
    assert outcomes(conn, "STRUCTURE_ANALYSIS") == ["died", "completed"]


def test_what_a_killed_worker_had_paid_for_is_not_paid_for_again(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    tmp_path: Path,
) -> None:
    trouble = tmp_path / "trouble"
    trouble.write_text("waits")
    generation_id = start_generation(make_course())
    handlers = {Stage.STRUCTURE_GENERATION: "outline"}
    settings = {**FAST, "HANDLER_TEXT_GENERATION": "tests.integration.tasks.paid_handlers.drafts"}
    first = start_worker(handlers=handlers, **settings)
    wait_until(lambda: not trouble.exists())
    first.process.kill()
    start_worker(handlers=handlers, **settings)
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    assert outcomes(conn, "TEXT_GENERATION") == ["died", "completed"]
    assert [line[0] for line in (tmp_path / "paid").read_text().splitlines()] == ["1", "2", "2", "3"]


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
    assert outcomes(conn, "STRUCTURE_ANALYSIS") == [
        "superseded",
        "completed",
    ]  # it did not die, so its start does not count
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
        assert len(outcomes(conn, "STRUCTURE_ANALYSIS")) == starts
    wait_until(lambda: status_of(conn, generation_id) == "failed")
    assert outcomes(conn, "STRUCTURE_ANALYSIS") == ["died"] * 3
    assert rows(conn, "select status, error_message is null as silent from courses") == [
        {"status": "failed", "silent": False}
    ]
    wait_until(lambda: redis_client.zcard("concurrency:global") == 0)
