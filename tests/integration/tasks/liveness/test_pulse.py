"""A worker serves or its process ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.generation.stages import Stage
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import proxied
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.liveness.conftest import FAST, Connection, Registered, StartWorker, beats_for
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import outcomes

ROOT = Path(__file__).resolve().parents[4]

HANGING_LOOP = """
import asyncio, time
from app.telemetry.log import configure_logging
from tasks.queue.pulse import Pulse

async def main():
    pulse = Pulse(1.0, lambda: True)
    pulse.watch(asyncio.get_running_loop(), lambda: None)
    await asyncio.sleep(0.2)
    time.sleep(60)

configure_logging("worker", "INFO", "test", "1")
asyncio.run(main())
"""


@pytest.mark.parametrize("only", ["stages", "upkeep", "webhooks"])
def test_a_worker_whose_connections_all_fall_silent_ends_and_says_why(
    start_worker: StartWorker, registered: Registered, database_url: str, only: str
) -> None:
    with proxied(database_url) as proxy:
        worker = start_worker(only=only, DATABASE_URL=proxy.url, **FAST)
        registered(worker)
        proxy.mute(new=True)
        assert worker.process.wait(30) == 1
    [line] = worker.messages("worker_stalled")
    assert line["level"] == "error"
    assert line["reason"]


def test_a_worker_whose_open_connections_fall_silent_serves_on_with_new_ones(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    registered: Registered,
    conn: Connection,
    database_url: str,
) -> None:
    with proxied(database_url) as proxy:
        worker = start_worker(only="stages", DATABASE_URL=proxy.url, **FAST)
        registered(worker)
        proxy.mute(new=False)
        generation_id = start_generation(make_course())
        wait_until(lambda: status_of(conn, generation_id) == "completed" or worker.process.poll() == 1, seconds=60)
        if worker.process.poll() is not None:  # as its supervisor does
            assert worker.messages("worker_stalled")
            start_worker(only="stages", **FAST)
        wait_until(lambda: status_of(conn, generation_id) == "completed", seconds=60)


@pytest.mark.xdist_group("waits")
def test_a_worker_that_can_not_fetch_completes_what_it_holds_before_it_ends(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    registered: Registered,
    conn: Connection,
    tmp_path: Path,
) -> None:
    start_generation(make_course())
    handlers = {Stage.STRUCTURE_ANALYSIS: "waits"}
    worker = start_worker(only="stages", handlers=handlers, WORKER_CONCURRENCY="2", **FAST)
    worker_id = registered(worker)["id"]
    wait_until((tmp_path / "hanging").exists)
    [fetch] = rows(
        conn, "select oid::regprocedure::text as name from pg_proc where proname ~ '^procrastinate_fetch_job'"
    )
    conn.execute(f"alter function {fetch['name']} rename to gone_for_a_while")
    try:
        wait_until(lambda: worker.messages("worker_drains"))
        wait_until(beats_for(conn, worker_id, 4))
        assert worker.process.poll() is None
        (tmp_path / "go").touch()
        assert worker.process.wait(30) == 1
    finally:
        signature = fetch["name"].partition("(")
        conn.execute(f"alter function gone_for_a_while({signature[2]} rename to {signature[0]}")
    [line] = worker.messages("worker_stalled")
    assert "procrastinate_fetch_job" in str(line["reason"])
    assert outcomes(conn) == ["completed"]


def test_a_worker_whose_loop_hangs_ends(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", HANGING_LOOP], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert process.returncode == 1
    assert "the event loop hangs" in process.stdout


@pytest.mark.xdist_group("waits")
def test_a_worker_that_was_suspended_goes_on(
    start_worker: StartWorker, registered: Registered, conn: Connection
) -> None:
    worker = start_worker(only="stages", **FAST)
    worker_id = registered(worker)["id"]
    worker.process.send_signal(signal.SIGSTOP)
    time.sleep(float(FAST["STALLED_S"]) * 1.5)  # nothing else shows that so much time has passed
    worker.process.send_signal(signal.SIGCONT)
    wait_until(beats_for(conn, worker_id, 4))
    assert worker.process.poll() is None
    assert not worker.messages("worker_stalled")


def test_a_worker_whose_row_is_lost_loses_neither_its_stage_nor_a_start(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    registered: Registered,
    conn: Connection,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    worker = start_worker(only="stages", handlers={Stage.STRUCTURE_ANALYSIS: "waits"}, **FAST)
    worker_id = registered(worker)["id"]
    registered(start_worker(only="upkeep", **FAST))
    wait_until((tmp_path / "hanging").exists)
    conn.execute("delete from procrastinate_workers where id = %s", [worker_id])
    query = "select 1 from procrastinate_jobs where worker_id = %s and status = 'doing'"
    wait_until(lambda: rows(conn, query, worker_id))
    wait_until(beats_for(conn, worker_id, 2))
    (tmp_path / "go").touch()
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    assert outcomes(conn) == ["completed"] * 4


def test_a_worker_that_starts_leaves_the_rows_of_others(
    start_worker: StartWorker, registered: Registered, conn: Connection
) -> None:
    conn.execute("insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')")
    worker = start_worker(only="stages", **FAST)
    row = registered(worker)
    assert (row["name"], row["queues"]) == ("worker", ["stages"])
    assert len(rows(conn, "select 1 from procrastinate_workers")) == 2
    wait_until(beats_for(conn, row["id"], 0))
    assert worker.stop() == 0
    assert not rows(conn, "select 1 from coursegen.workers")
