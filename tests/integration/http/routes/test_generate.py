"""`POST /api/coursegen/generate`: admissions, and what a failed one leaves behind."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask

from tests.answers import assert_error
from tests.integration.factories import FILE, MakeCourse
from tests.integration.http.conftest import CheckTraces, Conn, Generate, LogLines, events, held_slots, only

PRIORITIES = {"FREE": 1, "BASIC": 3, "STANDARD": 5, "TRIAL": 5, "PREMIUM": 10}


def test_an_admitted_course_is_answered_with_its_job(generate: Generate, make_course: MakeCourse, conn: Conn) -> None:
    course = make_course()
    response = generate(course.id, course.user_id)
    generation = only(conn, "select * from coursegen.generations")
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.json == {
        "success": True,
        "jobId": str(generation["id"]),
        "message": "Генерация курса инициализирована",
    }
    assert "Генерация".encode() in response.data
    assert generation["id"].version == 7
    assert generation["course_id"] == course.id
    assert generation["user_id"] == course.user_id
    assert generation["request_id"] == response.headers["X-Request-ID"]
    assert (generation["status"], generation["source"], generation["tier"]) == ("queued", "http", "FREE")


def test_an_admitted_course_is_started_and_has_one_job(
    generate: Generate, make_course: MakeCourse, conn: Conn, redis_client: "redis.Redis"
) -> None:
    course = make_course()
    response = generate(course.id, course.user_id, headers={"X-Request-ID": "ask-1"})
    assert response.json is not None
    row = only(conn, "select * from courses")
    assert row["status"] == "initializing"
    assert row["generation_started_at"] is not None
    assert row["generation_progress"]["steps"][0]["status"] == "completed"
    assert row["generation_progress"]["percentage"] == 20
    job = only(conn, "select * from procrastinate_jobs")
    assert job["task_name"].endswith("structure_analysis")
    assert job["args"] == {
        "generation_id": response.json["jobId"],
        "user_id": str(course.user_id),
        "request_id": "ask-1",
        "fence": 1,
    }
    assert held_slots(redis_client)["concurrency:global"] == 1
    assert held_slots(redis_client)[f"concurrency:user:{course.user_id}"] == 1


@pytest.mark.parametrize("tier", PRIORITIES)
def test_a_job_has_the_priority_of_the_tier(generate: Generate, make_course: MakeCourse, conn: Conn, tier: str) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, tier.lower()).status_code == 200
    assert only(conn, "select priority from procrastinate_jobs")["priority"] == PRIORITIES[tier]
    generation = only(conn, "select tier::text, priority from coursegen.generations")
    assert generation == {"tier": tier, "priority": PRIORITIES[tier]}


@pytest.mark.parametrize(
    ("progress", "stage"),
    [
        ({"files": [FILE]}, "document_processing"),
        ({"files": []}, "structure_analysis"),
        ({"files": None}, "structure_analysis"),
        ({"files": "notes.md"}, "structure_analysis"),
        ([], "structure_analysis"),
        (None, "structure_analysis"),
    ],
    ids=str,
)
def test_documents_come_first_where_there_are_any(
    generate: Generate, make_course: MakeCourse, conn: Conn, progress: Any, stage: str
) -> None:
    course = make_course(generation_progress=progress)
    assert generate(course.id, course.user_id).status_code == 200
    assert only(conn, "select task_name from procrastinate_jobs")["task_name"].endswith(stage)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hook?a=1&b=%D0%BA",
        "HTTPS://EXAMPLE.ORG/",
        "http://example.org:443/hook",
        "https://[2606:4700::1111]/hook",
        "https://example.org/" + "a" * 2028,
    ],
    ids=lambda url: url[:40],
)
def test_a_webhook_is_kept_on_the_generation(generate: Generate, make_course: MakeCourse, conn: Conn, url: str) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, webhookUrl=url).status_code == 200
    assert only(conn, "select webhook_url from coursegen.generations")["webhook_url"] == url


def test_null_for_a_webhook_is_none(generate: Generate, make_course: MakeCourse, conn: Conn) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, webhookUrl=None).status_code == 200
    assert only(conn, "select webhook_url from coursegen.generations")["webhook_url"] is None


@pytest.mark.parametrize("user_id", [str(UUID(int=1)), None, {"a": [42]}], ids=lambda v: str(v)[:9])
def test_a_user_id_in_the_body_is_ignored_and_logged(
    generate: Generate, make_course: MakeCourse, conn: Conn, log_lines: LogLines, user_id: object
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, userId=user_id).status_code == 200
    assert only(conn, "select user_id from coursegen.generations")["user_id"] == course.user_id
    assert [line["message"] for line in log_lines()].count("user_id_ignored") == 1


def test_a_user_id_in_the_body_opens_no_course_of_that_user(
    generate: Generate, make_course: MakeCourse, assert_no_trace: CheckTraces
) -> None:
    course = make_course()
    assert generate(course.id, uuid4(), userId=str(course.user_id)).status_code == 403
    assert_no_trace()


def test_a_course_id_in_upper_case_is_the_same_course(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(str(course.id).upper(), course.user_id).status_code == 200


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_course_whose_generation_is_over_may_be_generated_again(
    generate: Generate, make_course: MakeCourse, conn: Conn, status: str
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, "PREMIUM").status_code == 200
    conn.execute(
        "update coursegen.generations set status = %s::text::coursegen.generation_status, finished_at ="
        " now(), user_slot = null, system_slot = null",
        [status],
    )
    conn.execute("delete from procrastinate_jobs")
    assert generate(course.id, course.user_id, "PREMIUM").status_code == 200


def test_an_admission_the_database_refuses_is_rolled_back_whole(
    app: Flask,
    generate: Generate,
    make_course: MakeCourse,
    conn: Conn,
    assert_no_trace: CheckTraces,
    log_lines: LogLines,
) -> None:
    course = make_course()
    conn.execute(
        """
        create function refuse() returns trigger language plpgsql as $$ begin raise 'the secret cause'; end $$;
        create trigger refuse before insert on procrastinate_jobs for each row execute function refuse();
        """
    )
    try:
        response = generate(course.id, course.user_id, webhookUrl="https://example.org/?key=password")
    finally:
        conn.execute("drop function refuse cascade")
    assert_error(response, 500, "Не удалось инициализировать генерацию курса. Попробуйте позже.", "admission_failed")
    assert_no_trace()
    (event,) = events(app, conn)
    assert (event["event_type"], event["severity"], event["course_id"]) == ("job_rollback", "error", course.id)
    lines = log_lines()
    (rolled_back,) = [line for line in lines if line["message"] == "admission_rolled_back"]
    assert "the secret cause" in rolled_back["exc_info"]
    assert rolled_back["requestId"] == response.headers["X-Request-ID"]
    assert "password" not in str(lines)


def test_a_course_can_be_tried_again_after_a_failed_admission(
    generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    conn.execute("alter table coursegen.generations add constraint refused check (tier <> 'FREE') not valid")
    try:
        assert generate(course.id, course.user_id).status_code == 500
    finally:
        conn.execute("alter table coursegen.generations drop constraint refused")
    assert generate(course.id, course.user_id).status_code == 200


def test_generations_of_many_users_get_ids_of_their_own(generate: Generate, make_course: MakeCourse) -> None:
    jobs = set()
    for _ in range(3):
        course = make_course()
        answer = generate(course.id, course.user_id).json
        assert answer is not None
        jobs.add(UUID(answer["jobId"]))
    assert len(jobs) == 3
