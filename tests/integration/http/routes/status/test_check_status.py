"""`GET /api/courses/<slug>/check-status`: who may see it, what it says, and when it says nothing new."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from psycopg.types.json import Json

from tests.answers import assert_error, assert_unauthorized
from tests.conftest import WaitUntil
from tests.contract import contract_of
from tests.integration.factories import FILE, MakeCourse
from tests.integration.http.conftest import CheckStatus, Generate

Conn = psycopg.Connection[DictRow]


STRANGE = [
    "unknown",
    "%00",
    "a%00b",
    "%ff%fe%80",
    "%C0%80",
    "%ED%A0%80",
    "%",
    "%zz",
    "%25%30%30",
    "..%252f..",
    "'%20or%201=1--",
    "%25s%25s",
    "%(slug)s",
    quote("основы-геологии"),
    quote("😀\u202e\ufffd"),
    "a" * 50_000,
    quote("я") * 5000,
    "%0d%0aX-Injected:1",
    "%3F",
]


def assert_not_found(response: Any) -> None:
    assert_error(response, 404, "Course not found", "course_not_found")


def test_the_owner_sees_a_course_that_was_never_generated(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course(files=[FILE])
    response = check_status(course.slug, course.user_id)
    body = response.json
    assert response.status_code == 200
    assert body is not None
    created, updated = body.pop("createdAt"), body.pop("updatedAt")
    assert created.endswith("Z")
    assert updated.endswith("Z")
    assert body == {
        "courseId": str(course.id),
        "slug": course.slug,
        "currentStatus": None,
        "currentGenerationStatus": None,
        "generationProgress": {"files": [FILE]},
        "minutesSinceCreation": 0,
        "isStuck": False,
        "recoveryReason": "",
        "suggestedStatus": None,
        "queuePosition": None,
        "workerAlive": None,
    }


def test_an_admitted_course_shows_its_first_step_done(
    client: FlaskClient, check_status: CheckStatus, generate: Generate, make_course: MakeCourse
) -> None:
    course = make_course(files=[FILE])
    assert generate(course.id, course.user_id).status_code == 200
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert body["currentStatus"] == body["currentGenerationStatus"] == body["suggestedStatus"] == "initializing"
    progress = body["generationProgress"]
    contract_of(client.application).check_body("/components/schemas/GenerationProgress", progress)
    assert [step["status"] for step in progress["steps"]] == ["completed", *["pending"] * 4]
    assert (progress["percentage"], progress["current_step"], progress["total_steps"]) == (20, 1, 5)
    assert progress["message"] == "Инициализация завершена"
    assert progress["has_documents"] is True
    assert progress["files"] == [FILE]
    assert body["isStuck"] is False


def test_a_stranger_sees_nothing(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    several: list[dict[str, Any]] = [{}, {"app_metadata": {"role": "instructor"}}, {"user_metadata": {"role": "admin"}}]
    for claims in several:
        response = check_status(course.slug, uuid4(), **claims)
        assert_error(response, 403, "Forbidden: You do not have access to this course", "forbidden")


def test_nobody_without_a_token_learns_whether_a_slug_exists(client: FlaskClient, make_course: MakeCourse) -> None:
    for slug in (make_course().slug, "unknown"):
        assert_unauthorized(client.get(f"/api/courses/{slug}/check-status"))


def test_a_slug_may_hold_anything_and_is_simply_unknown(check_status: CheckStatus) -> None:
    for path in STRANGE:
        response = check_status(path, uuid4())
        assert_not_found(response)
        assert "X-Injected" not in response.headers


def test_a_slug_of_any_characters_is_found(check_status: CheckStatus, make_course: MakeCourse) -> None:
    for slug in ["основы-геологии", "a b", "100%", "a?b#c", "😀", "c++", "a&b=c", "ÀÉ", "'quoted\""]:
        course = make_course(slug=slug)
        body = check_status(quote(slug), course.user_id).json
        assert body is not None
        assert body["slug"] == slug


def test_slugs_differ_by_case(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course(slug="Geology")
    assert check_status("Geology", course.user_id).status_code == 200
    assert_not_found(check_status("geology", course.user_id))


def test_progress_of_any_shape_is_shown_as_it_is(
    check_status: CheckStatus, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    shapes: list[Any] = [None, [], "text", 5, {"steps": "none"}, {"a": {"b": [None] * 50}}]
    for progress in shapes:
        conn.execute("update courses set generation_progress = %s::jsonb", [Json(progress)])
        response = check_status(course.slug, course.user_id)
        assert response.json is not None
        assert response.json["generationProgress"] == progress


def test_the_same_state_is_not_sent_twice(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    first = check_status(course.slug, course.user_id)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    for offered in (tag, f"W/{tag}", f'"other", {tag}', f'W/"other",W/{tag}', f' {tag} , "x"', "*"):
        response = check_status(course.slug, course.user_id, {"If-None-Match": offered})
        assert response.status_code == 304, offered
        assert response.data == b""
        assert response.headers["ETag"] == tag
        assert response.headers["X-Request-ID"]


def test_another_or_a_broken_tag_gets_the_whole_answer(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    for offered in ['"other"', "", "W/", '"', ",", "\xff", "other", 'W/"', '"a' * 2000]:
        response = check_status(course.slug, course.user_id, {"If-None-Match": offered})
        assert response.status_code == 200, offered
        assert response.json is not None


def test_other_conditions_and_ranges_change_nothing(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    for headers in (
        {"Range": "bytes=0-10"},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"If-Match": '"other"'},
        {"Accept": "text/html"},
    ):
        response = check_status(course.slug, course.user_id, headers)
        assert response.status_code == 200, headers
        assert response.json is not None


def test_the_tag_stays_as_minutes_pass(
    check_status: CheckStatus, make_course: MakeCourse, conn: Conn, wait_until: WaitUntil
) -> None:
    course = make_course()
    # A moment before it is a minute old.
    conn.execute("update courses set created_at = now() - interval '59.5 seconds'")
    seen: dict[int, str] = {}

    def two_minutes_seen() -> bool:
        response = check_status(course.slug, course.user_id)
        assert response.json is not None
        seen[response.json["minutesSinceCreation"]] = response.headers["ETag"]
        return len(seen) == 2

    wait_until(two_minutes_seen, 3)
    assert list(seen) == [0, 1]
    assert seen[0] == seen[1]


def test_the_tag_changes_with_the_state(
    check_status: CheckStatus, generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    tags = [check_status(course.slug, course.user_id).headers["ETag"]]
    assert generate(course.id, course.user_id).status_code == 200
    tags.append(check_status(course.slug, course.user_id).headers["ETag"])
    conn.execute("select update_course_progress(%s, 2, 'in_progress', 'Анализируем')", [course.id])
    tags.append(check_status(course.slug, course.user_id).headers["ETag"])
    stale = check_status(course.slug, course.user_id, {"If-None-Match": tags[1]})
    assert stale.status_code == 200
    assert len(set(tags)) == 3


def test_a_tag_of_one_course_is_none_of_another(check_status: CheckStatus, make_course: MakeCourse) -> None:
    user = uuid4()
    tags = {check_status(make_course(user_id=user).slug, user).headers["ETag"] for _ in range(3)}
    assert len(tags) == 3


def test_a_tag_does_not_open_the_course_of_somebody_else(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    tag = check_status(course.slug, course.user_id).headers["ETag"]
    assert check_status(course.slug, uuid4(), {"If-None-Match": tag}).status_code == 403
    assert check_status(course.slug, uuid4(), {"If-None-Match": "*"}).status_code == 403


def test_head_answers_like_get_without_a_body(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    get = check_status(course.slug, course.user_id)
    head = check_status(course.slug, course.user_id, method="HEAD")
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    not_modified = check_status(course.slug, course.user_id, {"If-None-Match": get.headers["ETag"]}, "HEAD")
    assert not_modified.status_code == 304
    assert check_status("unknown", course.user_id, method="HEAD").status_code == 404


def test_a_platform_s_status_is_none_of_a_generation(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course(status="draft")
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert body["currentStatus"] == "draft"
    assert (body["currentGenerationStatus"], body["suggestedStatus"]) == (None, None)
