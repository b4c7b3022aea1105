"""A worker that drains is alive: until its last stage has ended it sends heartbeats and hears cancellations."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from app.generation.callers import Caller
from app.generation.runs.cancel import cancel_course
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.liveness.conftest import FAST, Connection, Registered, StartWorker, beats_for
from tests.integration.tasks.processes import is_written, wait_until
from tests.integration.tasks.running import outcomes

#: Longer than a worker may be silent.
PATIENT = {**FAST, "SHUTDOWN_GRACE_S": "60"}


def test_a_stage_that_outlasts_the_silence_of_the_dead_is_completed_once(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    registered: Registered,
    conn: Connection,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    worker = start_worker(only="stages", handlers={Stage.STRUCTURE_ANALYSIS: "waits"}, **PATIENT)
    worker_id = registered(worker)["id"]
    registered(start_worker(only="upkeep", **FAST))
    wait_until(lambda: is_written(tmp_path / "hanging"))
    worker.process.send_signal(signal.SIGTERM)
    wait_until(beats_for(conn, worker_id, 5))
    assert outcomes(conn) == [None]
    (tmp_path / "go").touch()
    assert worker.process.wait(20) == 0
    assert outcomes(conn) == ["completed"]
    assert status_of(conn, generation_id) == "running"  # another worker goes on


def test_a_cancellation_is_heard(
    services: Services,
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    tmp_path: Path,
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    worker = start_worker(only="stages", handlers={Stage.STRUCTURE_ANALYSIS: "hangs"}, **PATIENT)
    wait_until(lambda: is_written(tmp_path / "hanging"))
    handler = psutil.Process(int((tmp_path / "hanging").read_text()))
    worker.process.send_signal(signal.SIGTERM)
    wait_until(lambda: worker.messages("worker_drains"))
    cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.slug)
    wait_until(lambda: not handler.is_running(), seconds=15)
    assert worker.process.wait(15) == 0
    assert status_of(conn, generation_id) == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_hands_the_stage_back(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    start_generation(make_course())
    worker = start_worker(only="stages", handlers={Stage.STRUCTURE_ANALYSIS: "hangs"}, **FAST, SHUTDOWN_GRACE_S="4")
    wait_until(lambda: is_written(tmp_path / "hanging"))
    worker.process.send_signal(number)
    if number is signal.SIGHUP:
        worker.process.send_signal(number)  # a terminal that closes may send it twice
    assert worker.process.wait(20) == 0
    assert outcomes(conn) == ["shutdown"]
    assert len(rows(conn, "select 1 from procrastinate_jobs where status = 'todo' and queue_name = 'stages'")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    start_generation(make_course())
    worker = start_worker(only="stages", handlers={Stage.STRUCTURE_ANALYSIS: "hangs"}, **PATIENT)
    wait_until(lambda: is_written(tmp_path / "hanging"))
    family = worker.family()
    os.kill(worker.process.pid, number)
    wait_until(lambda: worker.messages("worker_drains"))
    os.kill(worker.process.pid, number)
    assert worker.process.wait(10) == -number
    wait_until(lambda: not any(process.is_running() for process in family))
