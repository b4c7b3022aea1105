"""A course with any `generation_progress` can be polled, generated and cancelled."""

from collections.abc import Callable

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow

from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.hostile import PROGRESS
from tests.integration.http.conftest import CheckStatus, Generate, held_slots

Conn = psycopg.Connection[DictRow]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that does not read the answers: some are more than Python's reader of JSON can hold."""
    return FlaskClient(app, app.response_class)


@pytest.fixture
def make_hostile(make_course: MakeCourse, conn: Conn) -> Callable[[str], Course]:
    def make(progress: str) -> Course:
        course = make_course()
        conn.execute("update courses set generation_progress = %s::jsonb where id = %s", [progress, course.id])
        return course

    return make


def assert_shown(check_status: CheckStatus, conn: Conn, course: Course) -> None:
    """The answer is JSON, as PostgreSQL reads it, and holds what the row holds."""
    response = check_status(course.slug, course.user_id)
    assert response.status_code == 200, response.text
    text = response.data.decode()
    row = conn.execute(
        "select generation_progress is not distinct from %s::jsonb -> 'generationProgress' as same"
        " from courses where id = %s",
        [text, course.id],
    ).fetchone()
    assert row == {"same": True}
    tag = response.headers["ETag"]
    assert check_status(course.slug, course.user_id, {"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("progress", PROGRESS.values(), ids=PROGRESS)
def test_progress_of_any_kind_is_polled_generated_over_and_cancelled(
    client: FlaskClient,
    check_status: CheckStatus,
    generate: Generate,
    make_hostile: Callable[[str], Course],
    token: MakeToken,
    conn: Conn,
    redis_client: "redis.Redis",
    progress: str,
) -> None:
    course = make_hostile(progress)
    cancel = f"/api/courses/{course.slug}/cancel"
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    assert_shown(check_status, conn, course)
    assert client.post(cancel, headers=headers).status_code == 409
    response = generate(course.id, course.user_id)
    assert response.status_code == 200, response.text
    assert_shown(check_status, conn, course)
    row = conn.execute(
        "select coursegen.is_malformed_progress(generation_progress) as malformed,"
        " generation_progress -> 'percentage' as done from courses"
    ).fetchone()
    assert row == {"malformed": False, "done": 20}
    assert client.post(cancel, headers=headers).status_code == 200
    assert_shown(check_status, conn, course)
    assert held_slots(redis_client) == {}
