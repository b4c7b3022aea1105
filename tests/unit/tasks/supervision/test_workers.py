"""The production workers, as `coursegen worker` starts them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest

from app.settings import VERSION
from tasks.supervision.workers import ROOT, WORKERS, worker_commands
from tests.conftest import WaitUntil
from tests.unit.stack.processes import gone

StartWorker = Callable[..., subprocess.Popen[str]]
#: What a worker's process says of itself.
KEPT = (
    "process = (select process from coursegen.workers), kind, version, places, settings ->> 'WORKER_CONCURRENCY',"
    " memory_available > 0"
)


@pytest.fixture
def start_worker(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts the workers with these settings on top of what they need; their output goes to `worker.log`."""
    needed = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "JWT_SECRET": "s" * 32}
    started = []

    def start(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        with (tmp_path / "worker.log").open("wb") as log:
            command = [sys.executable, "-m", "coursegen", "worker", *arguments]
            environment = os.environ | needed | settings
            started.append(
                subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True)
            )
        return started[-1]

    yield start
    with ExitStack() as ended:
        for process in started:
            ended.enter_context(process)
            process.terminate()


def test_stages_upkeep_and_webhooks_have_workers_of_their_own() -> None:
    assert [command.argv[-2:] for command in worker_commands()] == [["--only", part] for part in WORKERS]
    assert {queue for part in WORKERS.values() for queue in part.queues} == {"stages", "upkeep", "builtin", "webhooks"}


@pytest.mark.usefixtures("clean")
def test_a_killed_worker_is_replaced_and_all_stop_in_order(
    start_worker: StartWorker, wait_until: WaitUntil, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:

        def registered() -> int:
            [(count,)] = conn.execute("select count(*) from procrastinate_workers").fetchall()
            return int(count)

        process = start_worker()
        wait_until(lambda: registered() == 3)
        children = psutil.Process(process.pid).children(recursive=True)
        victim = next(child for child in children if "stages" in child.cmdline())
        victim.kill()
        wait_until(lambda: registered() == 4)  # the dead one can't sign off
        children += psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert registered() == 1
    wait_until(lambda: all(map(gone, children)))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("part", WORKERS)
def test_one_worker_alone_is_the_process_that_was_started(
    start_worker: StartWorker, wait_until: WaitUntil, database_url: str, part: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        process = start_worker("--only", part)
        wait_until(lambda: conn.execute("select 1 from coursegen.workers").fetchone() is not None)
        [(queues,)] = conn.execute("select queues from coursegen.workers").fetchall()
        assert tuple(queues) == WORKERS[part].queues
        [kept] = conn.execute(f"select {KEPT} from coursegen.processes").fetchall()
        assert kept == (True, "worker", VERSION, 3 if part == "stages" else 0, "3", True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert (
            conn.execute("select from coursegen.workers union all select from coursegen.processes").fetchone() is None
        )


@pytest.mark.usefixtures("clean")
def test_one_that_is_told_to_stop_while_it_registers_leaves_no_row(
    start_worker: StartWorker, wait_until: WaitUntil, database_url: str, tmp_path: Path
) -> None:
    waits = "select from pg_locks where not granted and relation = 'coursegen.workers'::regclass"
    with psycopg.connect(database_url, autocommit=True) as conn, psycopg.connect(database_url) as holder:
        holder.execute("lock table coursegen.workers in exclusive mode")
        process = start_worker("--only", "upkeep")
        wait_until(lambda: conn.execute(waits).rowcount == 1)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "worker_drains" in (tmp_path / "worker.log").read_text())
        holder.rollback()
        assert process.wait(20) == 0
        assert conn.execute("select from coursegen.workers").rowcount == 0
        assert conn.execute("select from procrastinate_workers").rowcount == 0


def test_an_unmigrated_database_stops_it_with_advice(
    start_worker: StartWorker, empty_database_url: str, tmp_path: Path
) -> None:
    process = start_worker(DATABASE_URL=empty_database_url)
    assert process.wait(20) == 1
    assert "coursegen migrate" in (tmp_path / "worker.log").read_text()


def test_bad_settings_stop_it_and_are_named(start_worker: StartWorker, tmp_path: Path) -> None:
    process = start_worker(JWT_SECRET="short", WORKER_CONCURRENCY="none")
    assert process.wait(20) == 1
    said = (tmp_path / "worker.log").read_text()
    assert "JWT_SECRET" in said
    assert "WORKER_CONCURRENCY" in said
