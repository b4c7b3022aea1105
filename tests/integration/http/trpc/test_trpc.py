"""The procedures of `/trpc`: the same decisions as the REST routes, in tRPC's format."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import sql
from psycopg.rows import DictRow

from tests.integration.factories import FILE, MakeCourse, MakeToken
from tests.integration.http.conftest import CheckStatus, LogLines
from tests.trpc import error, errors, mutate, query, read_lines

Conn = psycopg.Connection[DictRow]
STREAM = {"trpc-accept": "application/jsonl"}
SUCCESS = {"success": True, "message": "Генерация курса инициализирована"}


@pytest.fixture
def headers(token: MakeToken) -> Callable[..., dict[str, str]]:
    """A function that makes the headers of a user with these claims."""
    return lambda user_id, *tier, **claims: {"Authorization": f"Bearer {token(user_id, *tier, **claims)}"}


Headers = Callable[..., dict[str, str]]


def data(response: Any) -> Any:
    """The result of a call that succeeded."""
    assert response.status_code == 200, response.text
    assert response.json.keys() == {"result"}
    assert response.json["result"].keys() == {"data"}
    return response.json["result"]["data"]


def generations(conn: Conn) -> list[DictRow]:
    return conn.execute("select * from coursegen.generations order by created_at, id").fetchall()


def test_initiate_starts_the_generation(
    client: FlaskClient, make_course: MakeCourse, headers: Headers, conn: Conn
) -> None:
    course = make_course(files=[FILE])
    response = mutate(client, "generation.initiate", {"courseId": str(course.id)}, headers=headers(course.user_id))
    [generation] = generations(conn)
    assert data(response) == {**SUCCESS, "jobId": str(generation["id"]), "courseId": str(course.id)}
    assert "Генерация".encode() in response.data
    assert (generation["course_id"], generation["source"]) == (course.id, "trpc")
    assert generation["request_id"] == response.headers["X-Request-ID"]
    jobs = conn.execute("select task_name, args from procrastinate_jobs").fetchall()
    assert [job["args"]["generation_id"] for job in jobs] == [str(generation["id"])]
    assert jobs[0]["task_name"].endswith("document_processing")


def test_initiate_keeps_the_webhook_and_ignores_what_it_does_not_know(
    client: FlaskClient, make_course: MakeCourse, headers: Headers, conn: Conn
) -> None:
    course = make_course()
    given = {
        "courseId": str(course.id).upper(),
        "webhookUrl": "https://example.org/hook",
        "userId": str(uuid4()),
        "options": {"a": [1]},
    }
    found = data(mutate(client, "generation.initiate", given, headers=headers(course.user_id)))
    assert found["courseId"] == str(course.id)
    [generation] = generations(conn)
    assert (generation["webhook_url"], generation["user_id"]) == ("https://example.org/hook", course.user_id)


def test_a_proxy_that_forwards_its_body_gets_the_answer(
    client: FlaskClient, make_course: MakeCourse, headers: Headers
) -> None:
    course = make_course()
    response = client.post(
        "/trpc/generation.initiate",
        data=json.dumps({"courseId": str(course.id), "webhookUrl": None}),
        headers={**headers(course.user_id), "Content-Type": "application/json; charset=utf-8", "Accept": "*/*"},
    )
    assert response.mimetype == "application/json"
    assert data(response)["courseId"] == str(course.id)


def test_status_is_what_check_status_says(
    client: FlaskClient, check_status: CheckStatus, make_course: MakeCourse, headers: Headers
) -> None:
    course = make_course(files=[FILE])
    owner = headers(course.user_id)
    for _ in range(2):
        found = data(query(client, "generation.status", {"courseId": str(course.id)}, headers=owner))
        shown = check_status(course.slug, course.user_id).json
        assert shown is not None
        assert found.keys() == shown.keys()
        assert found == {**shown, "minutesSinceCreation": found["minutesSinceCreation"]}
        mutate(client, "generation.initiate", {"courseId": str(course.id)}, headers=owner)


def test_status_hands_on_progress_as_it_is_written(
    client: FlaskClient, make_course: MakeCourse, headers: Headers, conn: Conn
) -> None:
    course = make_course()
    conn.execute("""update courses set generation_progress = '{"n": 1e400, "s": "\\n\\u2028"}'""")
    for more in ({}, STREAM):
        given = {"0": {"courseId": str(course.id)}}
        response = query(client, "generation.status", given, batch=True, headers={**headers(course.user_id), **more})
        assert response.status_code == 200
        assert f'"n": 1{"0" * 400}'.encode() in response.data
    [item] = read_lines(response.text)
    assert item["result"]["data"]["generationProgress"]["s"] == "\n\u2028"


def test_cancel_ends_the_generation(client: FlaskClient, make_course: MakeCourse, headers: Headers, conn: Conn) -> None:
    course = make_course()
    given, owner = {"courseId": str(course.id)}, headers(course.user_id)
    job = data(mutate(client, "generation.initiate", given, headers=owner))["jobId"]
    assert data(mutate(client, "generation.cancel", given, headers=owner)) == {
        "success": True,
        "jobId": job,
        "status": "cancelled",
    }
    assert [generation["status"] for generation in generations(conn)] == ["cancelled"]
    response = mutate(client, "generation.cancel", given, headers=owner)
    assert response.status_code == 409
    [found] = errors(response)
    assert (found["message"], found["data"]["reason"]) == ("No active generation to cancel", "nothing_active")


def test_an_admin_sees_and_cancels_but_starts_nothing(
    client: FlaskClient, make_course: MakeCourse, headers: Headers
) -> None:
    course = make_course()
    given, admin = {"courseId": str(course.id)}, headers(uuid4(), app_metadata={"role": "superadmin"})
    assert mutate(client, "generation.initiate", given, headers=admin).status_code == 403
    data(mutate(client, "generation.initiate", given, headers=headers(course.user_id)))
    assert data(query(client, "generation.status", given, headers=admin))["currentStatus"] == "initializing"
    assert data(mutate(client, "generation.cancel", given, headers=admin))["status"] == "cancelled"


@pytest.mark.parametrize("procedure", ["generation.initiate", "generation.cancel", "generation.status"])
def test_strangers_and_unknown_courses_are_refused(
    client: FlaskClient, make_course: MakeCourse, headers: Headers, procedure: str
) -> None:
    course = make_course()
    ask = query if procedure == "generation.status" else mutate
    for course_id, status, reason in [(course.id, 403, "forbidden"), (uuid4(), 404, "course_not_found")]:
        response = ask(client, procedure, {"courseId": str(course_id)}, headers=headers(uuid4()))
        [found] = errors(response)
        assert (response.status_code, found["data"]["reason"], found["data"]["path"]) == (status, reason, procedure)


def test_a_second_initiate_learns_the_job_of_the_first(
    client: FlaskClient, make_course: MakeCourse, headers: Headers
) -> None:
    course = make_course()
    given, owner = {"courseId": str(course.id)}, headers(course.user_id)
    job = data(mutate(client, "generation.initiate", given, headers=owner))["jobId"]
    response = mutate(client, "generation.initiate", given, headers=owner)
    [found] = errors(response)
    assert (response.status_code, found["data"]["code"]) == (409, "CONFLICT")
    assert found["data"]["details"] == {"jobId": job}


def test_a_full_user_gets_the_counts_and_when_to_try_again(
    client: FlaskClient, make_course: MakeCourse, headers: Headers
) -> None:
    user = uuid4()
    given = {str(index): {"courseId": str(make_course(user_id=user).id)} for index in range(2)}
    response = mutate(
        client, "generation.initiate,generation.initiate", given, batch=True, headers=headers(user, "FREE")
    )
    assert response.status_code == 207
    assert int(response.headers["Retry-After"]) > 0
    assert response.json is not None
    first, second = response.json
    assert first["result"]["data"]["success"] is True
    found = error(second, response)
    assert found["message"] == "Too many concurrent jobs. FREE tier allows 1 concurrent course generation."
    assert found["data"]["details"] == {"tier": "FREE", "user_limit": 1, "current_user_jobs": 1}


def test_a_call_that_fails_undoes_no_other_of_its_batch(
    client: FlaskClient, make_course: MakeCourse, headers: Headers, conn: Conn
) -> None:
    user = uuid4()
    good, again, late = (make_course(user_id=user) for _ in range(3))
    ids = [good.id, uuid4(), good.id, again.id, late.id]
    given = {str(index): {"courseId": str(course_id)} for index, course_id in enumerate(ids)}
    refuse_again(conn, again.id)
    try:
        response = mutate(
            client, ",".join(["generation.initiate"] * 5), given, batch=True, headers=headers(user, "PREMIUM")
        )
    finally:
        conn.execute("drop function refuse cascade")
    assert response.status_code == 207
    assert response.json is not None
    statuses = [200 if "result" in item else error(item, response)["data"]["httpStatus"] for item in response.json]
    assert statuses == [200, 404, 409, 500, 200]
    assert error(response.json[3], response)["message"] == (
        "Не удалось инициализировать генерацию курса. Попробуйте позже."
    )
    assert [generation["course_id"] for generation in generations(conn)] == [good.id, late.id]


def refuse_again(conn: Conn, course_id: object) -> None:
    """No generation of the course can be inserted."""
    conn.execute(
        """
        create function refuse() returns trigger language plpgsql as $$ begin raise 'the secret cause'; end $$
        """
    )
    conn.execute(
        sql.SQL(
            "create trigger refuse before insert on coursegen.generations for each row when (new.course_id = {}) "
            "execute function refuse()"
        ).format(sql.Literal(course_id))
    )


def test_an_unexpected_error_is_reported_without_its_cause(
    client: FlaskClient, make_course: MakeCourse, headers: Headers, conn: Conn, log_lines: LogLines
) -> None:
    course = make_course()
    conn.execute("alter table courses rename column last_progress_update to away")
    try:
        given = {"0": {"courseId": str(course.id)}}
        response = query(client, "generation.status", given, batch=True, headers=headers(course.user_id))
    finally:
        conn.execute("alter table courses rename column away to last_progress_update")
    assert response.status_code == 500
    [found] = errors(response)
    assert (found["message"], found["data"]["code"]) == ("Internal server error", "INTERNAL_SERVER_ERROR")
    assert "last_progress_update" not in response.text
    assert "last_progress_update" in str([line for line in log_lines() if line["message"] == "request_failed"])


def test_a_query_may_be_asked_by_head(client: FlaskClient, make_course: MakeCourse, headers: Headers) -> None:
    course = make_course()
    given = json.dumps({"courseId": str(course.id)})
    response = client.head("/trpc/generation.status", query_string={"input": given}, headers=headers(course.user_id))
    assert (response.status_code, response.data) == (200, b"")


def test_calls_of_a_streamed_batch_are_answered_in_their_order(
    client: FlaskClient, make_course: MakeCourse, headers: Headers
) -> None:
    user = uuid4()
    courses = [make_course(user_id=user) for _ in range(12)]
    given = {str(index): {"courseId": str(course.id)} for index, course in enumerate(courses)}
    path = ",".join(["generation.status"] * len(courses))
    response = query(client, path, given, batch=True, headers={**headers(user), **STREAM})
    shown = [item["result"]["data"]["courseId"] for item in read_lines(response.text)]
    assert shown == [str(course.id) for course in courses]
