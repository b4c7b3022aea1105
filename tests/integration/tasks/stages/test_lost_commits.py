"""A run whose connection is lost while a verb commits: nothing is done twice, lost, or counted against the stage."""

import pytest

from app.generation.runs.take_over import take_over
from app.generation.stages import Stage
from app.services import Services
from app.settings import Settings
from tasks.stages.runner import Runner
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import Fault, proxied
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work_until_final
from tests.integration.tasks.running import Connection, Redis, claim, slots_held

COUNTED = "select stage::text from coursegen.attempts where outcome is null or outcome in ('failed', 'timeout', 'died')"


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
@pytest.mark.parametrize(
    ("verb", "times"),
    [("count_start", 1), ("begin_stage", 1), ("complete_stage", 1), ("complete_stage", 2), ("count_start", 2)],
)
def test_each_stage_is_completed_once_and_no_start_counts(
    make_worker: MakeWorker,
    services: Services,
    settings: Settings,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    verb: str,
    times: int,
    fault: Fault,
) -> None:
    generation_id = start_generation(make_course())
    with proxied(settings.database_url) as proxy:
        app = make_worker({Stage.STRUCTURE_GENERATION: "outline"}, database_url=proxy.url)
        proxy.arm(f"coursegen.{verb}_v1".encode(), fault, times=times)
        job = claim(conn, generation_id)
        Runner(app.services, app.children, job, lambda: None, lambda: False).run_stages()
        conn.execute("delete from procrastinate_jobs where id = %s", [job.job_id])  # as the queue ends it
    if status_of(conn, generation_id) != "completed":
        assert take_over(services.db, services.slots, stalled_s=20, timeouts_s=dict.fromkeys(Stage, 600.0)) == 1
        work_until_final(make_worker({Stage.STRUCTURE_GENERATION: "outline"}), conn, generation_id)
    assert status_of(conn, generation_id) == "completed"
    assert rows(conn, COUNTED) == []
    assert len(rows(conn, "select 1 from coursegen.stage_results")) == 4
    assert slots_held(redis_client) == 0


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_failure_is_recorded_once(
    make_worker: MakeWorker,
    settings: Settings,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    fault: Fault,
) -> None:
    generation_id = start_generation(make_course())
    with proxied(settings.database_url) as proxy:
        app = make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"}, database_url=proxy.url)
        proxy.arm(b"coursegen.fail_or_retry_stage_v1", fault)
        Runner(app.services, app.children, claim(conn, generation_id), lambda: None, lambda: False).run_stages()
    assert status_of(conn, generation_id) == "failed"
    assert [row["outcome"] for row in rows(conn, "select outcome::text from coursegen.attempts")] == ["failed"]
    assert slots_held(redis_client) == 0
