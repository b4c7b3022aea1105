"""`GET` and `POST /api/courses/<slug>/cancel`, for a course named by its slug or its id."""

from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.answers import assert_error, assert_unauthorized
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.http.conftest import Conn, Generate


@pytest.mark.parametrize("name", ["slug", "id"])
def test_it_says_whether_there_is_something_to_cancel(
    name: str, client: FlaskClient, make_course: MakeCourse, generate: Generate, token: MakeToken, conn: Conn
) -> None:
    course = make_course()
    path = f"/api/courses/{getattr(course, name)}/cancel"
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    assert client.get(path, headers=headers).json == {"canCancel": False, "status": None}
    started = generate(course.id, course.user_id)
    assert client.get(path, headers=headers).json == {"canCancel": True, "status": "initializing"}
    assert client.post(path, headers=headers).json == {
        "success": True,
        "jobId": started.json["jobId"],  # type: ignore[index]
        "status": "cancelled",
    }
    assert client.get(path, headers=headers).json == {"canCancel": False, "status": "cancelled"}
    assert conn.execute("select from courses where generation_completed_at is not null").rowcount == 1


def test_only_those_who_may_cancel_may_ask(client: FlaskClient, make_course: MakeCourse, token: MakeToken) -> None:
    path = f"/api/courses/{make_course().slug}/cancel"
    assert_unauthorized(client.get(path))
    assert client.get(path, headers={"Authorization": f"Bearer {token(uuid4())}"}).status_code == 403
    missing = client.get(f"/api/courses/{uuid4()}/cancel", headers={"Authorization": f"Bearer {token(uuid4())}"})
    assert_error(missing, 404, "Course not found", "course_not_found")
