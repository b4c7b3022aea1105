"""A generation's job: it goes on with the next stage, or gives way to what is more urgent."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from procrastinate import App, SyncPsycopgConnector
from psycopg.rows import DictRow

from app.generation.callers import Caller
from app.generation.queue import STAGE_TASKS, STAGES_QUEUE
from app.generation.runs.cancel import cancel_course
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from tasks.stages.runner import Runner
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import Fault, proxied
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, working
from tests.integration.tasks.processes import WorkerProcess, wait_until
from tests.integration.tasks.running import claim

Connection = psycopg.Connection[DictRow]

FAST: dict[Stage, str] = {Stage.STRUCTURE_ANALYSIS: "plug_in", Stage.STRUCTURE_GENERATION: "outline"}


def starts(conn: Connection) -> list[tuple[UUID, str, int]]:
    found = rows(conn, "select generation_id, stage::text, job_id from coursegen.attempts order by id")
    return [(row["generation_id"], row["stage"], row["job_id"]) for row in found]


def jobs(conn: Connection) -> list[dict[str, Any]]:
    return rows(conn, "select * from procrastinate_jobs where queue_name = 'stages' order by id")


def completed(conn: Connection, *generation_ids: UUID) -> Callable[[], bool]:
    return lambda: all(status_of(conn, generation_id) == "completed" for generation_id in generation_ids)


def cancel(services: Services, course: Course) -> None:
    cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.slug)


def test_one_job_goes_through_the_stages_and_leaves_nothing(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    with working(make_worker(FAST), "stages"):
        wait_until(completed(conn, generation_id))
        wait_until(lambda: jobs(conn) == [])
    assert [stage for _, stage, _ in starts(conn)] == [
        "STRUCTURE_ANALYSIS",
        "STRUCTURE_GENERATION",
        "TEXT_GENERATION",
        "FINALIZATION",
    ]
    assert len({job for _, _, job in starts(conn)}) == 1
    assert rows(conn, "select distinct outcome::text from coursegen.attempts") == [{"outcome": "completed"}]


def test_a_worker_finishes_one_generation_before_it_begins_the_next(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generations = [start_generation(make_course()) for _ in range(3)]
    with working(make_worker(FAST), "stages"):
        wait_until(completed(conn, *generations))
        wait_until(lambda: jobs(conn) == [])
    assert [generation for generation, _, _ in starts(conn)] == [each for each in generations for _ in range(4)]


def test_what_is_more_urgent_goes_before_the_next_stage(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    first = start_generation(make_course(), Tier.FREE)
    with working(make_worker({**FAST, Stage.STRUCTURE_ANALYSIS: "waits"}), "stages"):
        wait_until((files_root / "hanging").exists)
        urgent = start_generation(make_course(), Tier.PREMIUM)
        (files_root / "go").touch()
        wait_until(completed(conn, first, urgent))
        wait_until(lambda: jobs(conn) == [])
    assert [generation for generation, _, _ in starts(conn)] == [first] + [urgent] * 4 + [first] * 3
    assert len({job for generation, _, job in starts(conn) if generation == first}) == 2


def test_a_job_that_sql_queues_is_the_job_that_the_library_would_queue(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    """All but its id: first stages, later ones under a new fence and after a delay."""
    library = App(connector=SyncPsycopgConnector())
    generation_id = start_generation(make_course(), Tier.PREMIUM)
    [generation] = rows(conn, "select * from coursegen.generations")
    for delay, priority, fence in ((0, 10, 1), (60, 11, 2)):
        if fence == 2:
            conn.execute("delete from procrastinate_jobs")
            conn.execute("update coursegen.generations set status = 'running', started_at = now()")
            conn.execute("select coursegen.requeue_stage(%s, %s)", [generation_id, delay])
        [queued] = jobs(conn)
        conn.execute("delete from procrastinate_jobs")
        library.configure_task(
            STAGE_TASKS[Stage.STRUCTURE_ANALYSIS],
            connection=conn,
            queue=STAGES_QUEUE,
            priority=priority,
            queueing_lock=str(generation_id),
            schedule_at=queued["scheduled_at"],
        ).defer(
            generation_id=str(generation_id),
            user_id=str(generation["user_id"]),
            request_id="request-1",
            fence=fence,
        )
        [expected] = jobs(conn)
        assert {**queued, "id": 0} == {**expected, "id": 0}
        assert (queued["scheduled_at"] is not None) == bool(delay)


@pytest.mark.parametrize("later", [False, True], ids=["of its own job", "of a job that its place took"])
def test_a_generation_is_stopped_within_seconds_in_a_stage(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
    later: bool,
) -> None:
    others = [start_generation(make_course())] if later else []
    course = make_course(course_description="hangs")
    generation_id = start_generation(course)
    others.append(start_generation(make_course()))
    with working(make_worker({**FAST, Stage.STRUCTURE_ANALYSIS: "hangs_if_described_so"}), "stages"):
        wait_until((files_root / "hanging").exists)
        cancel(services, course)
        superseded = "select 1 from coursegen.attempts where generation_id = %s and outcome = 'superseded'"
        wait_until(lambda: rows(conn, superseded, generation_id), seconds=5)
        wait_until(completed(conn, *others))
        wait_until(lambda: jobs(conn) == [])
    assert status_of(conn, generation_id) == "cancelled"


def test_a_worker_that_ends_begins_no_further_stage(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker({**FAST, Stage.STRUCTURE_ANALYSIS: "waits"}, shutdown_grace_s=20)

    def let_go() -> None:
        app.shutdown.closed.set()  # as a signal does before it stops the worker
        (files_root / "go").touch()

    with working(app, "stages", on_stop=let_go):
        wait_until((files_root / "hanging").exists)
    [job] = jobs(conn)
    assert (job["status"], job["task_name"]) == ("todo", STAGE_TASKS[Stage.STRUCTURE_GENERATION])
    assert status_of(conn, generation_id) == "running"
    assert rows(conn, "select outcome::text from coursegen.attempts") == [{"outcome": "completed"}]


def test_a_stage_is_three_statements_each_a_transaction_of_its_own(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: redis.Redis,
    database_url: str,
) -> None:
    with proxied(database_url) as proxy:
        app = make_worker(FAST, database_url=proxy.url, pool_size=1)

        def run(generation_id: UUID) -> int:
            before = proxy.turns
            Runner(app.services, app.children, claim(conn, generation_id), lambda: None, lambda: True).run_stages()
            return proxy.turns - before

        for _ in range(8):  # until its connection is open and the statements are prepared
            run(start_generation(make_course(), Tier.PREMIUM))
            conn.execute(
                "update coursegen.generations set status = 'cancelled', finished_at = now(), user_slot ="
                " null, system_slot = null where status = 'running'"
            )
            conn.execute("delete from procrastinate_jobs")
            redis_client.flushdb()
        assert run(start_generation(make_course())) == 3  # count the start, begin, complete
        assert proxy.commits == 0


def test_a_completion_whose_answer_is_lost_loses_and_doubles_nothing(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    database_url: str,
) -> None:
    generation_id = start_generation(make_course())
    with proxied(database_url) as proxy:
        proxy.arm(b"complete_stage", Fault.CUT_AFTER)
        start_worker(DATABASE_URL=proxy.url, HEARTBEAT_S="0.5", STALLED_S="3", UPKEEP_S="1")
        wait_until(completed(conn, generation_id), seconds=60)
    outcomes = rows(conn, "select stage::text, outcome::text from coursegen.attempts order by id")
    assert [row["stage"] for row in outcomes if row["outcome"] == "completed"] == [
        "STRUCTURE_ANALYSIS",
        "STRUCTURE_GENERATION",
        "TEXT_GENERATION",
        "FINALIZATION",
    ]
    assert {row["outcome"] for row in outcomes} <= {"completed", "interrupted"}


def test_a_job_whose_time_has_not_come_holds_up_no_stage(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    later = start_generation(make_course(), Tier.PREMIUM)
    conn.execute("update procrastinate_jobs set scheduled_at = now() + %s", [timedelta(hours=1)])
    generation_id = start_generation(make_course(), Tier.FREE)
    with working(make_worker(FAST), STAGES_QUEUE):
        wait_until(completed(conn, generation_id))
    assert {generation for generation, _, _ in starts(conn)} == {generation_id}
    assert status_of(conn, later) == "queued"
