"""The worker as it is deployed: a process of its own, started by the queue's command line."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.stages import Stage
from tests.integration.conftest import NO_REDIS
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import proxied
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.processes import WorkerProcess, is_written, wait_until

Connection = psycopg.Connection[DictRow]


def test_a_worker_completes_a_generation_and_every_line_names_it(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    course = make_course(title="Курс о камнях")
    generation_id = start_generation(course)
    worker = start_worker()
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    assert worker.stop() == 0
    mine = [line for line in worker.lines if line.get("jobId") == str(generation_id)]
    assert [line["stage"] for line in mine if line["message"] == "stage_completed"] == [
        "STRUCTURE_ANALYSIS",
        "STRUCTURE_GENERATION",
        "TEXT_GENERATION",
        "FINALIZATION",
    ]
    for line in mine:
        assert line.items() >= {"requestId": "request-1", "userId": str(course.user_id), "service": "worker"}.items()
    assert mine[-1]["message"] == "generation_completed"
    assert "password" not in worker.output


def test_sigterm_hands_a_stage_back_within_the_grace_and_the_next_worker_completes_it(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    worker = start_worker(handlers={Stage.STRUCTURE_ANALYSIS: "hangs"}, SHUTDOWN_GRACE_S="6")
    wait_until(lambda: is_written(tmp_path / "hanging"))
    family = worker.family()
    assert family
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 6
    wait_until(lambda: not any(process.is_running() for process in family))
    assert rows(conn, "select outcome::text from coursegen.attempts") == [{"outcome": "shutdown"}]
    start_worker()
    wait_until(lambda: status_of(conn, generation_id) == "completed")


@pytest.mark.parametrize("handler", ["hangs", "hangs_in_c", "hangs_with_a_helper"])
def test_a_worker_that_is_killed_leaves_no_child_behind(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    tmp_path: Path,
    handler: str,
) -> None:
    start_generation(make_course())
    worker = start_worker(handlers={Stage.STRUCTURE_ANALYSIS: handler})
    wait_until(lambda: is_written(tmp_path / "hanging"))
    family = worker.family()
    assert int((tmp_path / "hanging").read_text()) in {process.pid for process in family}
    worker.process.kill()
    wait_until(lambda: not any(map(is_alive, family)), seconds=10)


def is_alive(process: psutil.Process) -> bool:
    """A zombie is not; in a container without an init nobody reaps it."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.xdist_group("waits")
@pytest.mark.slow
def test_a_worker_that_can_start_no_handler_hands_its_stage_back_and_ends(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    tmp_path: Path,
) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    worker = start_worker("--queues", "stages", python=str(python), PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    wait_until(worker.family)
    python.unlink()
    for child in worker.family():
        child.kill()
    generation_id = start_generation(make_course())
    assert worker.process.wait(90) == 0
    assert any(line["message"] == "children_unavailable" for line in worker.lines)
    attempts = rows(conn, "select distinct outcome::text from coursegen.attempts")
    assert attempts == [{"outcome": "shutdown"}]
    assert status_of(conn, generation_id) == "running"
    start_worker("--queues", "stages")
    wait_until(lambda: status_of(conn, generation_id) == "completed")


def test_what_a_handler_says_is_in_lines_of_json_alone(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    generation_id = start_generation(make_course())
    worker = start_worker(handlers={Stage.STRUCTURE_ANALYSIS: "talks"})
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    assert worker.stop() == 0
    said = [line for line in worker.lines if line["logger"] == "tasks.stages.handler_output"]
    ids = {"jobId": str(generation_id), "stage": "STRUCTURE_ANALYSIS", "requestId": "request-1"}
    assert len(said) == 8
    assert all(line.items() >= ids.items() for line in said)
    raw = [line for line in worker.output.splitlines() if not line.startswith("{")]
    assert not [line for line in raw if "Launching a worker" not in line]  # the queue's own, on standard error


def test_an_unmigrated_database_stops_the_start_with_what_to_run(
    start_worker: Callable[..., WorkerProcess], empty_database_url: str
) -> None:
    worker = start_worker(DATABASE_URL=empty_database_url)
    assert worker.process.wait(30) != 0
    assert "coursegen migrate" in worker.output
    assert "Traceback" not in worker.output


def test_bad_settings_stop_the_start_and_are_all_named(start_worker: Callable[..., WorkerProcess]) -> None:
    worker = start_worker(JWT_SECRET="short", UPKEEP_S="never")
    assert worker.process.wait(30) != 0
    assert "JWT_SECRET" in worker.output
    assert "UPKEEP_S" in worker.output
    assert "Traceback" not in worker.output


def test_a_database_that_is_away_is_waited_for(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    database_url: str,
) -> None:
    generation_id = start_generation(make_course())
    with proxied(database_url) as proxy:
        proxy.refuse()
        worker = start_worker(DATABASE_URL=proxy.url)
        wait_until(lambda: "database_unavailable" in worker.output)
        assert worker.process.poll() is None
        proxy.refuse(False)
        wait_until(lambda: status_of(conn, generation_id) == "completed")
        assert worker.stop() == 0


def test_a_worker_needs_no_redis(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    generation_id = start_generation(make_course())
    start_worker(REDIS_URL=NO_REDIS)
    wait_until(lambda: status_of(conn, generation_id) == "completed")


def test_upkeep_puts_redis_right_by_itself(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    redis_client: "object",
) -> None:
    start_generation(make_course())
    redis_client.flushdb()  # type: ignore[attr-defined]
    start_worker("--queues", "upkeep", UPKEEP_S="1")
    wait_until(lambda: redis_client.zcard("concurrency:global") == 1)  # type: ignore[attr-defined]
