"""A living worker whose row the queue has lost: what it has in hand is neither lost nor counted."""

from collections.abc import Callable
from pathlib import Path

from app.generation.stages import Stage
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import StartGeneration, status_of
from tests.integration.tasks.processes import FAST, WorkerProcess, wait_until
from tests.integration.tasks.running import Connection, Redis, slots_held


def test_a_stage_whose_workers_row_is_gone_counts_no_start(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    start_worker("--queues", "stages", handlers={Stage.STRUCTURE_ANALYSIS: "waits"}, **FAST)
    wait_until((tmp_path / "hanging").exists)
    conn.execute("delete from procrastinate_workers")  # as another worker's start prunes one that looks dead
    (tmp_path / "go").touch()
    wait_until(lambda: rows(conn, "select 1 from coursegen.stage_results"))
    start_worker(**FAST)
    wait_until(lambda: status_of(conn, generation_id) == "completed")
    outcomes = "select outcome::text from coursegen.attempts where stage = 'STRUCTURE_ANALYSIS'"
    assert rows(conn, outcomes) == [{"outcome": "completed"}]
    assert rows(conn, "select 1 from coursegen.attempts where outcome = 'failed'") == []
    wait_until(lambda: slots_held(redis_client) == 0)
