"""A worker's places: jobs that end with their run, go on with the next stage, or give way to what is more urgent."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from procrastinate.jobs import Job
from psycopg.rows import DictRow

from app.generation.callers import Caller
from app.generation.queue import STAGES_QUEUE, TASKS
from app.generation.runs.begin_complete import Taker
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
    found = rows(conn, "select generation_id, stage::text, job_id from stage_attempts order by id")
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
    assert rows(conn, "select distinct outcome::text from stage_attempts") == [{"outcome": "completed"}]


def test_a_place_goes_from_one_generation_to_the_next(
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


def test_the_job_that_goes_on_is_what_would_have_been_deferred_and_fetched(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: redis.Redis,
) -> None:
    def after_a_stage(taker: Taker | None) -> dict[str, Any]:
        app = make_worker(FAST)
        generation_id = start_generation(make_course(user_id=owner))
        worker_id = rows(conn, "select worker_id from procrastinate_register_worker_v1()")[0]["worker_id"]
        run = claim(conn, generation_id)
        conn.execute("update procrastinate_jobs set worker_id = %s where id = %s", [worker_id, run.job_id])
        taker = taker and Taker(worker_id, taker.queues)
        done = Runner(app.services, app.children, run, lambda: None, lambda: taker).run()
        assert done is not None
        if taker is None:
            assert (done.job, done.taken) == (True, None)
            conn.execute("select procrastinate_fetch_job_v2('{stages}', %s)", [worker_id])
        else:
            assert (done.job, done.taken and done.taken["id"]) == (False, run.job_id)
        [job] = jobs(conn)
        conn.execute("delete from courses")
        conn.execute("delete from procrastinate_jobs")
        redis_client.flushdb()
        of_its_own = {"id", "worker_id", "queueing_lock"}
        args = {**job["args"], "generation_id": ""}
        return {**{name: value for name, value in job.items() if name not in of_its_own}, "args": args}

    owner = make_course().user_id
    conn.execute("delete from courses")
    deferred, gone_on = after_a_stage(None), after_a_stage(Taker(0, ["stages"]))
    assert gone_on == deferred
    assert (gone_on["status"], gone_on["task_name"]) == ("doing", TASKS[Stage.STRUCTURE_GENERATION])


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
        superseded = "select 1 from stage_attempts where generation_id = %s and outcome = 'superseded'"
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
    with working(app, "stages"):
        wait_until((files_root / "hanging").exists)
        worker = app.jobs.worker
        assert worker is not None

        def let_go() -> None:
            wait_until(lambda: worker.is_stopping)
            (files_root / "go").touch()

        letting_go = threading.Thread(target=let_go)
        letting_go.start()
    letting_go.join()
    [job] = jobs(conn)
    assert (job["status"], job["task_name"]) == ("todo", TASKS[Stage.STRUCTURE_GENERATION])
    assert status_of(conn, generation_id) == "running"
    assert rows(conn, "select outcome::text from stage_attempts") == [{"outcome": "completed"}]


def test_what_was_taken_and_not_begun_waits_again(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    start_generation(make_course())
    app = make_worker()
    [row] = rows(conn, "select * from procrastinate_fetch_job_v2('{stages}', null)")

    async def put_back() -> None:
        async with app.open_async():
            app.jobs.pass_on(Job.from_row(row))
            await app.jobs.put_back()

    asyncio.run(put_back())
    assert [job["status"] for job in jobs(conn)] == ["todo"]


def test_a_stage_is_two_round_trips_and_no_transaction_of_several_statements(
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
            runner = Runner(app.services, app.children, claim(conn, generation_id), lambda: None)
            assert runner.run() is not None
            return proxy.turns - before

        for _ in range(8):  # until its connection is open and the statements are prepared
            run(start_generation(make_course(), Tier.PREMIUM))
            conn.execute("update generations set status = 'cancelled', finished_at = now() where status = 'running'")
            conn.execute("delete from procrastinate_jobs")
            redis_client.flushdb()
        assert run(start_generation(make_course())) == 2
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
    outcomes = rows(conn, "select stage::text, outcome::text from stage_attempts order by id")
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
