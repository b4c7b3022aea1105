"""After an outage the workers have time to be heard again before upkeep judges them."""

import time
from pathlib import Path

import pytest

from app.generation.stages import Stage
from tasks.queue.contact import Contact
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import proxied
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.liveness.conftest import FAST, Connection, Registered, StartWorker
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import outcomes

#: Room for a worker to connect again on a loaded machine.
SLOW = {**FAST, "STALLED_S": "12"}
SILENT = "select 1 from procrastinate_workers where id = %s and last_heartbeat < now() - interval '13 seconds'"
UPKEEP_RAN = "select 1 from procrastinate_periodic_defers where task_name ~ 'take_over' and job_id is not null"


@pytest.mark.xdist_group("waits")
def test_a_worker_that_an_outage_silenced_keeps_its_stage(
    start_worker: StartWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    registered: Registered,
    conn: Connection,
    database_url: str,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    with proxied(database_url) as proxy:
        handlers = {Stage.STRUCTURE_ANALYSIS: "waits"}
        worker = start_worker(only="stages", handlers=handlers, DATABASE_URL=proxy.url, **SLOW)
        worker_id = registered(worker)["id"]
        wait_until((tmp_path / "hanging").exists)
        proxy.refuse()
        wait_until(lambda: rows(conn, SILENT, worker_id), seconds=40)
        # Upkeep is the first to have the database back.
        registered(start_worker(only="upkeep", **SLOW))
        wait_until(lambda: rows(conn, UPKEEP_RAN))
        proxy.refuse(False)
        (tmp_path / "go").touch()
        wait_until(lambda: status_of(conn, generation_id) == "completed", seconds=60)
    assert outcomes(conn) == ["completed"] * 4


def test_contact_lasts_from_the_end_of_the_last_pause() -> None:
    contact = Contact(0.5)
    assert not contact.lasts(0)
    contact.note()
    assert contact.lasts(0)
    assert not contact.lasts(5)
    time.sleep(0.6)  # a pause
    assert not contact.lasts(0)
    contact.note()
    assert contact.lasts(0)
    assert not contact.lasts(0.6)
