"""A platform that cancels by its own button: it sets the course's status, and calls nobody."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.generation.runs.take_over import take_over
from app.generation.stages import Stage
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, working
from tests.integration.tasks.processes import FAST, WorkerProcess, wait_until
from tests.integration.tasks.running import Connection, Redis, claim, run, slots_held

PLATFORM_CANCELS = "update courses set status = 'cancelled', error_message = 'Отменено'"


def look_after(services: Services) -> None:
    take_over(services.db, services.slots, stalled_s=20, timeouts_s=dict.fromkeys(Stage, 600))


def assert_cancelled(conn: Connection, redis_client: Redis) -> None:
    [generation] = rows(conn, "select status::text, ended_by, finished_at from coursegen.generations")
    assert (generation["status"], generation["ended_by"]) == ("cancelled", "platform")
    assert rows(conn, "select status from courses") == [{"status": "cancelled"}]
    assert slots_held(redis_client) == 0


def test_a_running_handler_is_stopped_within_seconds_and_the_slot_is_free(
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    tmp_path: Path,
) -> None:
    generation_id = start_generation(make_course())
    start_worker("--queues", "stages", handlers={Stage.STRUCTURE_ANALYSIS: "hangs"}, **FAST)
    start_worker("--queues", "upkeep", **FAST)
    wait_until((tmp_path / "hanging").exists)
    conn.execute(PLATFORM_CANCELS)
    wait_until(lambda: status_of(conn, generation_id) == "cancelled", seconds=10)
    wait_until(lambda: rows(conn, "select 1 from coursegen.attempts where outcome = 'superseded'"), seconds=10)
    wait_until(lambda: slots_held(redis_client) == 0, seconds=5)
    assert_cancelled(conn, redis_client)


def test_a_queued_generation_never_starts(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    start_generation(make_course())
    conn.execute(PLATFORM_CANCELS)
    look_after(services)
    assert_cancelled(conn, redis_client)
    work(make_worker())
    assert rows(conn, "select 1 from coursegen.attempts") == []


def test_a_run_does_not_begin_over_it(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    generation_id = start_generation(make_course())
    conn.execute(PLATFORM_CANCELS)
    run(make_worker(), claim(conn, generation_id))
    assert_cancelled(conn, redis_client)
    assert rows(conn, "select 1 from coursegen.attempts") == []


def test_a_run_does_not_complete_over_it(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    files_root: Path,
) -> None:
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "waits"})
    start_generation(make_course())
    with working(app, "stages"):
        wait_until((files_root / "hanging").exists)
        conn.execute(PLATFORM_CANCELS)
        (files_root / "go").touch()
        wait_until(lambda: slots_held(redis_client) == 0)
    assert_cancelled(conn, redis_client)
    assert rows(conn, "select 1 from coursegen.stage_results") == []


def test_a_course_that_was_cancelled_before_is_generated(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    course = make_course()
    conn.execute(PLATFORM_CANCELS)
    generation_id = start_generation(course)
    look_after(services)
    assert status_of(conn, generation_id) == "queued"
    work(make_worker())
    assert status_of(conn, generation_id) == "completed"


@pytest.mark.parametrize("statement", ["update courses set title = 'новое'", "update courses set status = 'pending'"])
def test_any_other_change_of_the_platform_cancels_nothing(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, statement: str
) -> None:
    generation_id = start_generation(make_course())
    conn.execute(statement.encode())
    look_after(services)
    assert status_of(conn, generation_id) == "queued"
