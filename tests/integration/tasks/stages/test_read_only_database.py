"""A stage in hand while its database takes no writes: nothing is lost, and the start does not count."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from app.database.migrations import migrate
from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import make_services
from app.settings import Settings
from stack.postgres import PostgresServer
from tests.integration.database.read_only import WRITES, read_only
from tests.integration.factories import insert_course
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import status_of
from tests.integration.tasks.processes import FAST, WorkerProcess, wait_until

#: After pauses of 0.2, 0.4, 0.8, 1 and 1 s.
READINGS = 5


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        migrate(server.url)
        yield server


@pytest.mark.parametrize("ends", ["meanwhile", "afterwards"])
def test_workers_survive_and_the_stage_completes_with_its_first_start(
    clean: None,
    settings: Settings,
    server: PostgresServer,
    start_worker: Callable[..., WorkerProcess],
    tmp_path: Path,
    ends: str,
) -> None:
    with psycopg.connect(server.url, autocommit=True, row_factory=dict_row, options=WRITES) as conn:
        course = insert_course(conn)
    services = make_services(replace(settings, database_url=server.url))
    generation_id = services.admissions.admit(Caller(course.user_id, Tier.FREE), Order(course.id)).generation_id
    services.close()
    environment = {**FAST, "DATABASE_URL": server.url}
    workers = [
        start_worker("--queues", "stages", handlers={Stage.STRUCTURE_ANALYSIS: "waits"}, **environment),
        start_worker("--queues", "upkeep", **environment),
    ]
    wait_until((tmp_path / "hanging").exists)
    with read_only(server):
        if ends == "meanwhile":
            (tmp_path / "go").touch()
        # Longer than `STALLED_S`: it is no fault of theirs.
        for worker in workers:
            wait_until(lambda worker=worker: worker.output.count("database_read_only") > READINGS)  # type: ignore[misc]
        wait_until(lambda: "ReadOnlySqlTransaction" in workers[0].output or ends == "afterwards")
    (tmp_path / "go").touch()
    with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as conn:
        wait_until(lambda: status_of(conn, generation_id) == "completed")
        query = "select outcome::text from coursegen.attempts where stage = 'STRUCTURE_ANALYSIS'"
        counted = [row for row in rows(conn, query) if row["outcome"] in ("failed", "timeout", "died", None)]
        assert counted == []
    assert [worker.process.poll() for worker in workers] == [None, None]
