"""Admission: what one request does, and what it leaves when it is refused."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.generation.errors import CourseNotFound, Forbidden, GenerationActive, SystemFull, UserFull
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import Admit, nothing_started, rows
from tests.integration.generation.proxy import proxied

FILES = [{"id": "f1", "name": "a.md", "path": "a.md", "mime_type": "text/markdown", "size": 1}]

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis


def held(redis_client: Redis) -> list[str]:
    return [str(member) for member in redis_client.zrange("concurrency:global", 0, -1)]


def test_an_admitted_course_is_started_and_has_one_job(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course(files=FILES)
    generation_id = admit_course(services, course, Tier.PREMIUM)

    [generation] = rows(conn, "select * from coursegen.generations")
    assert generation["id"] == generation_id
    assert generation["id"].version == 7
    assert (generation["status"], generation["stage"], generation["fence"]) == ("queued", "DOCUMENT_PROCESSING", 1)
    assert (generation["tier"], generation["priority"]) == ("PREMIUM", 10)
    assert (generation["user_slot"], generation["system_slot"]) == (1, 1)
    assert (generation["source"], generation["request_id"]) == ("http", "r-1")

    [job] = rows(conn, "select * from procrastinate_jobs")
    assert (job["queue_name"], job["status"], job["priority"]) == ("stages", "todo", 10)
    assert job["task_name"].endswith("document_processing")
    assert job["args"] == {
        "generation_id": str(generation_id),
        "user_id": str(course.user_id),
        "request_id": "r-1",
        "fence": 1,
    }

    [row] = rows(conn, "select * from courses")
    progress = row["generation_progress"]
    assert row["status"] == "initializing"
    assert row["generation_started_at"] is not None
    assert [step["status"] for step in progress["steps"]] == ["completed", *["pending"] * 4]
    assert progress["steps"][1]["name"] == "Обработка документов"
    assert progress["files"] == FILES
    assert (progress["percentage"], progress["message"]) == (20, "Инициализация завершена")
    assert held(redis_client) == [str(generation_id)]


@pytest.mark.parametrize(
    "progress",
    [
        None,
        {},
        {"files": None},
        {"files": []},
        {"files": "a.md"},
        {"files": {"0": "a"}},
        "text",
        [1, 2],
        7,
        {"steps": 3},
    ],
)
def test_a_course_without_a_list_of_files_starts_with_the_analysis(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit, progress: Any
) -> None:
    course = make_course(generation_progress=None if progress is None else Jsonb(progress))
    admit_course(services, course)
    [row] = rows(
        conn, "select stage, generation_progress from coursegen.generations join courses on courses.id = course_id"
    )
    assert row["stage"] == "STRUCTURE_ANALYSIS"
    assert row["generation_progress"]["files"] == []
    assert row["generation_progress"]["steps"][1]["name"] == "Анализ задачи"


@pytest.mark.parametrize("progress", ["text", [1], 7, {"files": "a.md"}, {"files": {}}])
def test_files_of_a_wrong_shape_are_logged(
    services: Services,
    make_course: MakeCourse,
    admit_course: Admit,
    caplog: pytest.LogCaptureFixture,
    progress: Any,
) -> None:
    admit_course(services, make_course(generation_progress=Jsonb(progress)))
    assert "files_malformed" in caplog.messages


def test_an_earlier_generations_progress_and_errors_are_gone(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course(files=FILES, status="failed", error_message="x")
    conn.execute("update courses set error_details = '{}', generation_completed_at = now()")
    admit_course(services, course)
    [row] = rows(conn, "select * from courses")
    assert (row["error_message"], row["error_details"], row["generation_completed_at"]) == (None, None, None)


@pytest.mark.parametrize(("tier", "priority"), list(zip(Tier, (1, 3, 5, 5, 10), strict=True)))
def test_the_jobs_priority_is_the_tiers(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit, tier: Tier, priority: int
) -> None:
    admit_course(services, make_course(), tier)
    assert rows(conn, "select priority from procrastinate_jobs") == [{"priority": priority}]


def test_an_unknown_course_is_refused_and_nothing_is_left(
    services: Services, conn: Connection, redis_client: Redis, admit_course: Admit
) -> None:
    with pytest.raises(CourseNotFound):
        admit_course(services, Course(id=uuid4(), user_id=uuid4(), slug="x"))
    assert nothing_started(conn)
    assert held(redis_client) == []


def test_somebody_elses_course_is_refused_and_nothing_is_left(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    with pytest.raises(Forbidden):
        admit_course(services, make_course(), user_id=uuid4())
    assert nothing_started(conn)
    assert held(redis_client) == []


def test_a_second_request_for_the_same_course_is_refused(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course()
    first = admit_course(services, course, Tier.PREMIUM)
    with pytest.raises(GenerationActive) as refused:
        admit_course(services, course, Tier.PREMIUM)
    assert refused.value.generation_id == first
    assert held(redis_client) == [str(first)]
    services.events.flush()
    [event] = rows(conn, "select * from system_metrics")
    assert (event["event_type"], event["severity"], event["job_id"]) == ("duplicate_job_detected", "info", str(first))


@pytest.mark.parametrize(("tier", "limit"), list(zip(Tier, (1, 2, 3, 5, 5), strict=True)))
@pytest.mark.parametrize("with_redis", [True, False])
def test_a_user_has_as_many_active_generations_as_the_tier_allows(
    make_services_with: Any, make_course: MakeCourse, admit_course: Admit, tier: Tier, limit: int, with_redis: bool
) -> None:
    services: Services = make_services_with(limit=100, with_redis=with_redis)
    user = uuid4()
    for _ in range(limit):
        admit_course(services, make_course(user_id=user), tier)
    with pytest.raises(UserFull) as refused:
        admit_course(services, make_course(user_id=user), tier)
    assert (refused.value.user_limit, refused.value.user_active) == (limit, limit)
    admit_course(services, make_course(), Tier.FREE)


@pytest.mark.parametrize("with_redis", [True, False])
def test_the_system_has_as_many_active_generations_as_it_may(
    make_services_with: Any, conn: Connection, make_course: MakeCourse, admit_course: Admit, with_redis: bool
) -> None:
    services: Services = make_services_with(limit=2, with_redis=with_redis)
    for _ in range(2):
        admit_course(services, make_course())
    with pytest.raises(SystemFull) as refused:
        admit_course(services, make_course(), Tier.BASIC)
    assert (refused.value.system_limit, refused.value.system_active) == (2, 2)
    services.events.flush()
    [event] = rows(conn, "select * from system_metrics")
    assert (event["event_type"], event["severity"]) == ("concurrency_limit_hit", "warn")
    assert event["metadata"]["limit"] == "system"


def test_a_finished_generation_frees_its_numbers_for_the_next(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit
) -> None:
    user = uuid4()
    first, second = (admit_course(services, make_course(user_id=user), Tier.PREMIUM) for _ in range(2))
    conn.execute(
        "update coursegen.generations set status = 'completed', finished_at = now(), user_slot = null,"
        " system_slot = null where id = %s",
        [first],
    )
    services.slots.release(first, user)
    third = admit_course(services, make_course(user_id=user), Tier.PREMIUM)
    numbers = {
        row["id"]: (row["user_slot"], row["system_slot"]) for row in rows(conn, "select * from coursegen.generations")
    }
    assert numbers[second] == (2, 2)
    assert numbers[third] == (1, 1)


def test_an_admission_is_one_redis_round_trip_two_of_postgresql_and_one_transaction(
    make_services_with: Any,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    redis_url: str,
    database_url: str,
) -> None:
    with proxied(database_url) as database, proxied(redis_url) as redis_proxy:
        services: Services = make_services_with(
            limit=100, database_url=database.url, redis_url=redis_proxy.url, pool_size=1
        )
        for _ in range(8):  # until its connections are open, statements prepared, the script loaded
            admit_course(services, make_course())
        before = database.turns, redis_proxy.turns
        course = make_course()
        generation_id = admit_course(services, course)
        assert (database.turns - before[0], redis_proxy.turns - before[1]) == (2, 1)
    written = conn.execute(
        "select xmin::text from coursegen.generations where id = %(id)s"
        " union all select xmin::text from courses where id = %(course)s"
        " union all select xmin::text from procrastinate_jobs where queueing_lock = %(id)s::text",
        {"id": generation_id, "course": course.id},
    ).fetchall()
    assert len(written) == 3
    assert written[0] == written[1] == written[2]  # by the same transaction


def test_a_course_deleted_after_the_first_look_is_refused(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_course()
    take_all = type(services.slots).take_all

    def take_while_the_course_goes(keeper: Any, *args: Any) -> Any:
        conn.execute("delete from courses")
        return take_all(keeper, *args)

    monkeypatch.setattr(type(services.slots), "take_all", take_while_the_course_goes)
    with pytest.raises(CourseNotFound):
        admit_course(services, course)
    assert nothing_started(conn)


def test_a_course_given_away_after_the_first_look_is_refused(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = make_course()
    take_all = type(services.slots).take_all

    def take_while_the_owner_changes(keeper: Any, *args: Any) -> Any:
        conn.execute("update courses set user_id = gen_random_uuid()")
        return take_all(keeper, *args)

    monkeypatch.setattr(type(services.slots), "take_all", take_while_the_owner_changes)
    with pytest.raises(Forbidden):
        admit_course(services, course)
    assert nothing_started(conn)
