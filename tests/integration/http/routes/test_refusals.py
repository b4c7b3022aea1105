"""`POST /api/coursegen/generate`: refusals, their responses, and what they leave behind."""

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from flask import Flask

from app.generation.errors import SlotsFull
from tests.answers import assert_error
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse
from tests.integration.http.conftest import LIMITS, CheckTraces, Conn, Generate, events, held_slots, only

#: What makes a good body bad.
WRONG: list[dict[str, Any]] = [{"courseId": "x"}, {"courseId": None}, {"webhookUrl": "x"}, {"extra": 1}]


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
    headers = {"Authorization": f"Bearer {token(uuid4(), app_metadata={'role': 'superadmin'})}"}
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
    only(conn, "select * from coursegen.generations")
    only(conn, "select * from procrastinate_jobs")
    assert held_slots(redis_client)["concurrency:global"] == 1
    (event,) = events(app, conn)
    assert (event["event_type"], event["severity"]) == ("duplicate_job_detected", "info")
    assert (event["course_id"], event["user_id"], event["job_id"]) == (course.id, course.user_id, first["jobId"])


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
def test_a_full_user_gets_the_tier_and_the_counts(
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
    assert only(conn, "select count(*) as n from coursegen.generations")["n"] == limit
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


def test_a_full_system_is_reported_with_its_counts(
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


def test_the_user_s_limit_is_reported_before_the_system_s(generate: Generate, make_course: MakeCourse) -> None:
    user = uuid4()
    for owner in (user, uuid4(), uuid4()):
        assert generate(make_course(user_id=owner).id, owner).status_code == 200
    response = generate(make_course(user_id=user).id, user)
    assert response.json is not None
    assert response.json["code"] == "user_limit"


def test_a_duplicate_is_reported_before_a_full_user(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    assert generate(course.id, course.user_id).status_code == 409


def test_a_stranger_is_rejected_before_a_duplicate(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    assert generate(course.id, uuid4()).status_code == 403


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
