"""What a large result costs the worker itself, whose memory its other stages share."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.stages import Stage
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.processes import WorkerProcess, wait_until

MEGABYTE = 2**20
RESULT_MB = 60
#: What a worker grows by in any generation.
MARGIN_MB = 40


def most_memory_mb(pid: int) -> float:
    """The most memory that the process had at once."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has /proc")
def test_a_result_costs_the_worker_twice_its_size_at_most(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: psycopg.Connection[DictRow],
) -> None:
    worker = start_worker("--queues", "stages", handlers={Stage.FINALIZATION: "returns_60_mb"})
    small = start_generation(make_course(course_description="small"))
    wait_until(lambda: status_of(conn, small) == "completed")
    before = most_memory_mb(worker.process.pid)
    large = start_generation(make_course())
    wait_until(lambda: status_of(conn, large) == "completed", 60)
    grown = most_memory_mb(worker.process.pid) - before
    print(f"the worker had {before:.0f} MiB and grew by {grown:.0f}")
    assert grown < 2 * RESULT_MB + MARGIN_MB
    sizes = rows(conn, "select length(body) / 1048576 as mb from coursegen.finished_courses order by 1")
    assert [row["mb"] for row in sizes] == [0, RESULT_MB]
