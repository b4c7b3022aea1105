"""`Idempotency-Key` as clients send it: what is repeated, what is refused, and what an answer says of it."""

import json
from uuid import UUID

import psycopg
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from tests.answers import assert_error, error_body
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.http.conftest import Generate, LogLines
from tests.tokens import make_claims, sign

Conn = psycopg.Connection[DictRow]

URL = "/api/coursegen/generate"
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
QUOTED = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
USER = UUID("6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8a001")
NEVER = 9_999_999_999


def test_the_same_request_again_has_the_same_answer_marked_as_such(
    generate: Generate, make_course: MakeCourse, log_lines: LogLines
) -> None:
    course = make_course()
    first = generate(course.id, course.user_id, headers=KEY)
    assert first.status_code == 200
    assert "Idempotent-Replayed" not in first.headers
    assert first.headers["RateLimit"] == '"user";r=0, "system";r=2'
    assert "generation_admitted" in [line["message"] for line in log_lines()]
    for headers in (KEY, QUOTED):
        again = generate(course.id, course.user_id, headers=headers)
        assert (again.status_code, again.data) == (200, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "RateLimit" not in again.headers
        assert "RateLimit-Policy" not in again.headers
        messages = [line["message"] for line in log_lines()]
        assert "response_replayed" in messages
        assert "generation_admitted" not in messages


def test_the_same_order_written_otherwise_is_the_same_request(
    client: FlaskClient, token: MakeToken, make_course: MakeCourse
) -> None:
    course = make_course()
    headers = {"Authorization": f"Bearer {token(course.user_id)}", "Content-Type": "application/json", **KEY}
    bodies = [
        {"courseId": str(course.id)},
        {"courseId": str(course.id).upper(), "webhookUrl": None},
        {"webhookUrl": None, "userId": "ignored", "courseId": str(course.id)},
    ]
    answers = [client.post(URL, data=json.dumps(body, indent=2), headers=headers) for body in bodies]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1


def test_another_body_is_refused(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(course.id, course.user_id, headers=KEY).status_code == 200
    response = generate(course.id, course.user_id, headers=KEY, webhookUrl="https://example.org/")
    message = "The Idempotency-Key was used with another request before"
    assert_error(response, 422, message, "idempotency_key_reused")


def test_while_the_first_is_under_way_the_next_is_to_come_back(
    generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    with conn.transaction():
        conn.execute("select coursegen.claim_idempotency_key(%s, %s, '')", [course.user_id, KEY["Idempotency-Key"]])
        response = generate(course.id, course.user_id, headers=QUOTED)
    message = "A request with the same Idempotency-Key is still under way"
    assert_error(response, 409, message, "idempotency_in_flight")
    assert int(response.headers["Retry-After"]) > 0
    assert generate(course.id, course.user_id, headers=QUOTED).status_code == 200


def test_a_refusal_is_not_repeated(generate: Generate, make_course: MakeCourse, conn: Conn) -> None:
    course = make_course()
    other = make_course(user_id=course.user_id)
    assert generate(other.id, course.user_id).status_code == 200
    assert generate(course.id, course.user_id, headers=KEY).status_code == 429
    conn.execute(
        "update coursegen.generations set status = 'completed', finished_at = now(), user_slot = null,"
        " system_slot = null"
    )
    conn.execute("delete from procrastinate_jobs")
    assert generate(course.id, course.user_id, "BASIC", headers=KEY).status_code == 200


def test_without_a_key_the_second_request_is_a_duplicate(generate: Generate, make_course: MakeCourse) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    assert generate(course.id, course.user_id).status_code == 409


def test_two_keys_are_none(client: FlaskClient, token: MakeToken, make_course: MakeCourse) -> None:
    course = make_course()
    headers = [
        ("Authorization", f"Bearer {token(course.user_id)}"),
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
    ]
    response = client.post(URL, json={"courseId": str(course.id)}, headers=headers)
    assert response.status_code == 400
    assert error_body(response)["code"] == "invalid_idempotency_key"


def test_a_key_of_a_wrong_form_is_refused_with_what_was_expected(
    generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    response = generate(course.id, course.user_id, headers={"Idempotency-Key": "x" * 256})
    details = {
        "field": "Idempotency-Key",
        "value": "x" * 100 + "…",
        "expected": '1 to 255 characters of printable ASCII, best a UUID, bare or as "…"',
    }
    assert_error(response, 400, "Invalid Idempotency-Key format", "invalid_idempotency_key", details)
    assert conn.execute("select 1 from coursegen.generations").fetchall() == []


def test_a_key_means_the_same_by_trpc(
    client: FlaskClient, generate: Generate, token: MakeToken, make_course: MakeCourse
) -> None:
    course = make_course()
    other = make_course(user_id=course.user_id)
    first = generate(course.id, course.user_id, headers=KEY).json
    assert first is not None
    headers = {"Authorization": f"Bearer {token(course.user_id)}", **QUOTED}
    again = client.post("/trpc/generation.initiate", json={"courseId": str(course.id)}, headers=headers)
    assert again.status_code == 200
    assert again.json is not None
    assert again.json["result"]["data"]["jobId"] == first["jobId"]
    assert again.headers["Idempotent-Replayed"] == "true"
    reused = client.post("/trpc/generation.initiate", json={"courseId": str(other.id)}, headers=headers)
    assert reused.status_code == 422
    wrong = client.post("/trpc/generation.initiate", json={}, headers={**headers, "Idempotency-Key": '"'})
    assert wrong.status_code == 400


@pytest.mark.parametrize("path", ["/livez", "/api/courses/x/check-status"])
def test_elsewhere_the_header_means_nothing(client: FlaskClient, token: MakeToken, path: str) -> None:
    headers = {"Authorization": f"Bearer {token(USER)}", "Idempotency-Key": ""}
    assert client.get(path, headers=headers).status_code in (200, 404)


def test_any_value_is_a_key_or_refused(client: FlaskClient, make_course: MakeCourse) -> None:
    course = make_course(user_id=USER)
    authorization = f"Bearer {sign(make_claims(USER, exp=NEVER))}"
    values = st.one_of(
        st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=300),
        st.text(st.sampled_from('"\\ ,;ab'), max_size=12),
        st.just(KEY["Idempotency-Key"]),
    )
    seen = set()

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(values)
    def check(value: str) -> None:
        environment = {"HTTP_AUTHORIZATION": authorization, "HTTP_IDEMPOTENCY_KEY": value}
        response = client.post(URL, json={"courseId": str(course.id)}, environ_overrides=environment)
        assert response.status_code in (200, 400, 409), value
        seen.add(response.status_code)

    check()
    assert seen == {200, 400, 409}
