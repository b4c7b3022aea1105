"""Workers whose signs of life are looked at."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow

from tests.integration.generation.conftest import rows
from tests.integration.tasks.processes import WorkerProcess, wait_until

Connection = psycopg.Connection[DictRow]
StartWorker = Callable[..., WorkerProcess]

#: As shipped, several times as fast.
FAST = {"HEARTBEAT_S": "0.5", "STALLED_S": "3", "UPKEEP_S": "1"}

Registered = Callable[[WorkerProcess], dict[str, Any]]


@pytest.fixture
def registered(conn: Connection) -> Registered:
    """Waits until the worker has registered; returns its row."""

    def wait(worker: WorkerProcess) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        query = "select * from coursegen.workers where split_part(process, ':', 2) = %s"

        def is_there() -> bool:
            found[:] = rows(conn, query, str(worker.process.pid))
            return bool(found)

        wait_until(is_there)
        return found[0]

    return wait


def beats_for(conn: Connection, worker_id: int, seconds: float) -> Callable[[], bool]:
    """Whether the worker's heartbeat is later than so many seconds from now."""
    [now] = rows(conn, "select now()")
    query = "select 1 from procrastinate_workers where id = %s and last_heartbeat > %s + make_interval(secs => %s)"
    return lambda: bool(rows(conn, query, worker_id, now["now"], seconds))
