"""`POST /api/coursegen/generate`: what is admitted, what is refused, and what either leaves behind."""

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from flask import Flask
from psycopg.rows import DictRow

from app.generation.errors import SlotsFull
from tests.answers import assert_error
from tests.conftest import WaitUntil
from tests.integration.factories import FILE, MakeCourse

from .conftest import Generate, LogLines, held_slots

Conn = psycopg.Connection[DictRow]
CheckTraces = Callable[[], None]

LIMITS = {"FREE": 1, "BASIC": 2, "STANDARD": 3, "TRIAL": 5, "PREMIUM": 5}
PRIORITIES = {"FREE": 1, "BASIC": 3, "STANDARD": 5, "TRIAL": 5, "PREMIUM": 10}


#: What makes a good body bad.
WRONG: list[dict[str, Any]] = [{"courseId": "x"}, {"courseId": None}, {"webhookUrl": "x"}, {"extra": 1}]


def only(conn: Conn, query: Any, *values: object) -> DictRow:
    rows = conn.execute(query, values).fetchall()
    assert len(rows) == 1
    return rows[0]


def events(app: Flask, conn: Conn) -> list[DictRow]:
    assert app.extensions["services"].events.flush()
    return conn.execute("select * from system_metrics order by timestamp").fetchall()


def test_an_admitted_course_is_answered_with_its_job(generate: Generate, make_course: MakeCourse, conn: Conn) -> None:
    course = make_course()
    response = generate(course.id, course.user_id)
    generation = only(conn, "select * from generations")
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
    generation = only(conn, "select tier::text, priority from generations")
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
    assert only(conn, "select webhook_url from generations")["webhook_url"] == url


def test_null_for_a_webhook_is_none(generate: Generate, make_course: MakeCourse, conn: Conn) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, webhookUrl=None).status_code == 200
    assert only(conn, "select webhook_url from generations")["webhook_url"] is None


@pytest.mark.parametrize("user_id", [str(UUID(int=1)), None, {"a": [42]}], ids=lambda v: str(v)[:9])
def test_a_user_id_in_the_body_is_ignored_and_logged(
    generate: Generate, make_course: MakeCourse, conn: Conn, log_lines: LogLines, user_id: object
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, userId=user_id).status_code == 200
    assert only(conn, "select user_id from generations")["user_id"] == course.user_id
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


def test_an_unknown_course_is_not_found(generate: Generate, assert_no_trace: CheckTraces) -> None:
    assert_error(generate(uuid4(), uuid4()), 404, "Course not found", "course_not_found")
    assert_no_trace()


@pytest.mark.parametrize("tier", [None, "PREMIUM"])
def test_the_course_of_somebody_else_is_forbidden(
    generate: Generate, make_course: MakeCourse, assert_no_trace: CheckTraces, tier: str | None
) -> None:
    course = make_course()
    response = generate(course.id, uuid4(), tier)
    assert_error(response, 403, "Forbidden: You do not have access to this course", "forbidden")
    assert_no_trace()


def test_an_admin_may_not_start_the_course_of_somebody_else(
    client: Any, token: Any, make_course: MakeCourse, assert_no_trace: CheckTraces
) -> None:
    course = make_course()
    headers = {"Authorization": f"Bearer {token(uuid4(), app_metadata={'role': 'admin'})}"}
    response = client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=headers)
    assert response.status_code == 403
    assert_no_trace()


def test_a_second_request_for_the_same_course_is_refused_with_the_job_of_the_first(
    app: Flask, generate: Generate, make_course: MakeCourse, conn: Conn, redis_client: "redis.Redis"
) -> None:
    course = make_course()
    first = generate(course.id, course.user_id, "PREMIUM").json
    assert first is not None
    row = only(conn, "select * from courses")
    response = generate(course.id, course.user_id, "PREMIUM")
    details = {"jobId": first["jobId"]}
    assert_error(response, 409, "Course generation is already in progress", "generation_active", details)
    assert only(conn, "select * from courses") == row
    only(conn, "select * from generations")
    only(conn, "select * from procrastinate_jobs")
    assert held_slots(redis_client)["concurrency:global"] == 1
    (event,) = events(app, conn)
    assert (event["event_type"], event["severity"]) == ("duplicate_job_detected", "info")
    assert (event["course_id"], event["user_id"], event["job_id"]) == (course.id, course.user_id, first["jobId"])


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_course_whose_generation_is_over_may_be_generated_again(
    generate: Generate, make_course: MakeCourse, conn: Conn, status: str
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, "PREMIUM").status_code == 200
    conn.execute("update generations set status = %s::text::generation_state, finished_at = now()", [status])
    conn.execute("delete from procrastinate_jobs")
    assert generate(course.id, course.user_id, "PREMIUM").status_code == 200


def test_of_two_requests_at_once_the_loser_learns_the_job_of_the_winner(
    app: Flask, generate: Generate, make_course: MakeCourse, conn: Conn, database_url: str, wait_until: WaitUntil
) -> None:
    course = make_course()
    waiting = (
        "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    with psycopg.connect(database_url) as holder, ThreadPoolExecutor(2) as pool:
        holder.execute("select from courses for no key update")
        answers = [pool.submit(generate, course.id, course.user_id, "PREMIUM") for _ in range(2)]
        wait_until(lambda: only(conn, waiting)["n"] == 2, 3)
        holder.rollback()
        won, lost = sorted((answer.result() for answer in answers), key=lambda response: response.status_code)
    assert won.status_code == 200
    assert won.json is not None
    details = {"jobId": won.json["jobId"]}
    assert_error(lost, 409, "Course generation is already in progress", "generation_active", details)
    assert [event["job_id"] for event in events(app, conn)] == [won.json["jobId"]]


@pytest.mark.parametrize("tier", ["FREE", "BASIC", "STANDARD"])
def test_a_user_who_is_full_is_told_the_tier_and_the_counts(
    app: Flask,
    generate: Generate,
    make_course: MakeCourse,
    conn: Conn,
    redis_client: "redis.Redis",
    tier: str,
) -> None:
    user, limit = uuid4(), LIMITS[tier]
    for _ in range(limit):
        assert generate(make_course(user_id=user).id, user, tier).status_code == 200
    course = make_course(user_id=user)
    response = generate(course.id, user, tier)
    assert_error(
        response,
        429,
        f"Too many concurrent jobs. {tier} tier allows {limit} concurrent course generation.",
        "user_limit",
        {"tier": tier, "user_limit": limit, "current_user_jobs": limit},
    )
    assert 30 <= int(response.headers["Retry-After"]) <= 45
    assert response.headers["RateLimit-Policy"].startswith(f'"user";q={limit};qu="concurrent-requests", "system";q=3;')
    assert response.headers["RateLimit"] == f'"user";r=0, "system";r={3 - limit}'
    assert only(conn, "select * from courses where id = %s", course.id)["status"] is None
    assert only(conn, "select count(*) as n from generations")["n"] == limit
    assert set(held_slots(redis_client).values()) == {limit}
    (event,) = events(app, conn)
    assert (event["event_type"], event["severity"]) == ("concurrency_limit_hit", "warn")
    assert (event["course_id"], event["user_id"]) == (course.id, user)


def test_a_refusal_leaves_nothing_for_the_collector(generate: Generate, make_course: MakeCourse) -> None:
    user = uuid4()
    assert generate(make_course(user_id=user).id, user).status_code == 200
    refused = make_course(user_id=user)
    gc.collect()
    gc.disable()
    try:
        assert generate(refused.id, user).status_code == 429
        left = [found for found in gc.get_objects() if isinstance(found, SlotsFull)]
    finally:
        gc.enable()
    assert left == []


def test_a_full_system_is_told_with_its_counts(
    app: Flask, generate: Generate, make_course: MakeCourse, conn: Conn, redis_client: "redis.Redis"
) -> None:
    for _ in range(3):
        course = make_course()
        assert generate(course.id, course.user_id).status_code == 200
    course = make_course()
    response = generate(course.id, course.user_id, "PREMIUM")
    assert_error(
        response,
        429,
        "System at capacity. Please try again in a few minutes.",
        "system_limit",
        {"tier": "PREMIUM", "user_limit": 5, "current_user_jobs": 0, "global_limit": 3, "global_active_jobs": 3},
    )
    assert 60 <= int(response.headers["Retry-After"]) <= 90
    assert response.headers["RateLimit"] == '"user";r=5, "system";r=0'
    assert only(conn, "select * from courses where id = %s", course.id)["status"] is None
    assert f"concurrency:user:{course.user_id}" not in held_slots(redis_client)
    assert [event["event_type"] for event in events(app, conn)] == ["concurrency_limit_hit"]


def test_the_user_is_told_of_the_own_limit_before_the_system_s(generate: Generate, make_course: MakeCourse) -> None:
    user = uuid4()
    for owner in (user, uuid4(), uuid4()):
        assert generate(make_course(user_id=owner).id, owner).status_code == 200
    response = generate(make_course(user_id=user).id, user)
    assert response.json is not None
    assert response.json["code"] == "user_limit"


def test_the_duplicate_is_told_before_the_full_user(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    assert generate(course.id, course.user_id).status_code == 409


def test_the_stranger_is_told_before_the_duplicate(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    assert generate(course.id, uuid4()).status_code == 403


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
    conn.execute("alter table generations add constraint refused check (tier <> 'FREE') not valid")
    try:
        assert generate(course.id, course.user_id).status_code == 500
    finally:
        conn.execute("alter table generations drop constraint refused")
    assert generate(course.id, course.user_id).status_code == 200


def test_a_refused_body_leaves_no_trace(
    client: Any, token: Any, make_course: MakeCourse, assert_no_trace: CheckTraces
) -> None:
    course = make_course()
    good = {"courseId": str(course.id)}
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    bodies = [{}, *({**good, **wrong} for wrong in WRONG)]
    for body in bodies:
        assert client.post("/api/coursegen/generate", json=body, headers=headers).status_code == 400
    assert client.post("/api/coursegen/generate", json=good).status_code == 401
    assert client.post("/api/coursegen/generate", data=b"{", headers=headers).status_code == 415
    assert_no_trace()


def test_generations_of_many_users_get_ids_of_their_own(generate: Generate, make_course: MakeCourse) -> None:
    jobs = set()
    for _ in range(3):
        course = make_course()
        answer = generate(course.id, course.user_id).json
        assert answer is not None
        jobs.add(UUID(answer["jobId"]))
    assert len(jobs) == 3
