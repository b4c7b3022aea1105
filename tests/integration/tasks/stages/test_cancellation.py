"""Cancelling: never starts if queued, stops within seconds if running, and there is one final state."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from flask.testing import FlaskClient
from psycopg.rows import DictRow

from app.generation.audit import Actor
from app.generation.callers import Caller, Role
from app.generation.errors import CourseNotFound, Forbidden, NothingActive
from app.generation.runs.cancel import cancel_course, cancel_generation
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from app.settings import Settings
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import Fault, proxied
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work
from tests.integration.tasks.processes import WorkerProcess, wait_until

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis


def cancel(services: Services, course: Course, user_id: UUID | None = None, role: Role | None = None) -> UUID:
    caller = Caller(user_id or course.user_id, Tier.FREE, role)
    return cancel_course(services.db, services.slots, caller, course.slug)


def slots_held(client: Redis) -> int:
    return int(client.zcard("concurrency:global"))


def test_a_queued_generation_never_starts(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    assert cancel(services, course) == generation_id
    assert slots_held(redis_client) == 0
    work(make_worker())
    [generation] = rows(conn, "select * from coursegen.generations")
    assert (generation["status"], generation["finished_at"] is not None) == ("cancelled", True)
    assert rows(conn, "select status from courses") == [{"status": "cancelled"}]
    assert rows(conn, "select status::text from procrastinate_jobs where queue_name = 'stages'") == [
        {"status": "cancelled"}
    ]
    assert rows(conn, "select 1 from coursegen.attempts") == []
    start_generation(course)


def test_a_running_generation_is_stopped_within_seconds_and_writes_nothing(
    services: Services,
    start_worker: Callable[..., WorkerProcess],
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    tmp_path: Path,
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    worker = start_worker(handlers={Stage.STRUCTURE_ANALYSIS: "hangs"})
    wait_until((tmp_path / "hanging").exists)
    cancel(services, course)
    assert slots_held(redis_client) == 0
    wait_until(lambda: rows(conn, "select 1 from coursegen.attempts where outcome = 'superseded'"), seconds=5)
    wait_until(lambda: not rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages'"), seconds=5)
    assert status_of(conn, generation_id) == "cancelled"
    assert rows(conn, "select 1 from coursegen.stage_results") == []
    [row] = rows(conn, "select status, generation_progress as progress from courses")
    assert row["status"] == "cancelled"
    assert [step["status"] for step in row["progress"]["steps"]] == ["completed", *["pending"] * 4]
    (tmp_path / "hanging").unlink()
    start_generation(course)  # the worker is as usable as before
    wait_until((tmp_path / "hanging").exists)
    assert worker.process.poll() is None


@pytest.mark.parametrize("queued", [True, False])
def test_of_two_at_once_one_cancels_and_the_other_finds_nothing(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, queued: bool
) -> None:
    course = make_course()
    start_generation(course)
    if not queued:
        conn.execute("update coursegen.generations set status = 'running', started_at = now()")
    gate = threading.Barrier(8)

    def ask(_: int) -> object:
        gate.wait(10)
        try:
            return type(cancel(services, course))
        except NothingActive:
            return NothingActive

    with ThreadPoolExecutor(8) as threads:
        outcomes = Counter(threads.map(ask, range(8)))
    assert outcomes == {UUID: 1, NothingActive: 7}


def test_a_generation_that_is_just_finishing_ends_in_one_state_and_gives_its_slot_back_once(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    app = make_worker()
    worker = threading.Thread(target=work, args=(app,))
    worker.start()
    wait_until(lambda: rows(conn, "select 1 from coursegen.generations where stage = 'FINALIZATION'"))
    try:
        cancel(services, course)
        expected = "cancelled"
    except NothingActive:
        expected = "completed"
    worker.join(30)
    assert status_of(conn, generation_id) == expected
    assert rows(conn, "select status from courses") == [{"status": expected}]
    assert slots_held(redis_client) == 0


def test_only_the_owner_or_an_admin_may(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    with pytest.raises(Forbidden):
        cancel(services, course, uuid4())
    with pytest.raises(CourseNotFound):
        cancel(services, Course(uuid4(), "no such", course.user_id))
    assert status_of(conn, generation_id) == "queued"
    assert cancel(services, course, uuid4(), Role.SUPERADMIN) == generation_id


def test_over_http_it_answers_as_the_contract_says(
    client: FlaskClient, make_course: MakeCourse, token: MakeToken, start_generation: StartGeneration
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    first = client.post(f"/api/courses/{course.slug}/cancel", headers=headers)
    assert first.status_code == 200
    assert first.json == {"success": True, "jobId": str(generation_id), "status": "cancelled"}
    second = client.post(f"/api/courses/{course.slug}/cancel", headers=headers)
    assert second.status_code == 409
    assert second.json is not None
    assert second.json.keys() == {"error", "code", "requestId"}
    assert client.post(f"/api/courses/{course.slug}/cancel").status_code == 401
    assert client.put(f"/api/courses/{course.slug}/cancel", headers=headers).status_code == 405


def test_a_cancellation_whose_commit_was_not_confirmed_is_found_again(
    make_services_with: Callable[..., Services],
    settings: Settings,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    with proxied(settings.database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        proxy.arm(b"COMMIT", Fault.CUT_AFTER)
        assert cancel(services, course) == generation_id
    assert status_of(conn, generation_id) == "cancelled"
    assert slots_held(redis_client) == 0


def test_an_operator_cancels_no_later_generation_of_the_course(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    course = make_course()
    ended = start_generation(course)
    cancel(services, course)
    later = start_generation(course)
    with pytest.raises(NothingActive):
        cancel_generation(services.db, services.slots, course.id, Actor("operator"), audited=True, only=ended)
    assert status_of(conn, later) == "queued"
    assert rows(conn, "select 1 from coursegen.audit") == []
