"""Who may watch and cancel a course: its owner, the admins of its organisation, and superadmins."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from app.generation.progress.status import STUCK_AFTER_S
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.http.conftest import LogLines
from tests.integration.http.sse import read_blocks, split_lines
from tests.trpc import mutate, query

SCHOOL, OTHER = UUID(int=1), UUID(int=2)

Conn = psycopg.Connection[DictRow]
Ask = Callable[[FlaskClient, Course, dict[str, str]], TestResponse]


def check(client: FlaskClient, course: Course, headers: dict[str, str]) -> TestResponse:
    return client.get(f"/api/courses/{course.slug}/check-status", headers=headers)


def check_unchanged(client: FlaskClient, course: Course, headers: dict[str, str]) -> TestResponse:
    return client.get(f"/api/courses/{course.slug}/check-status", headers={**headers, "If-None-Match": '"x"'})


def follow(client: FlaskClient, course: Course, headers: dict[str, str]) -> TestResponse:
    return client.head(f"/api/courses/{course.slug}/events", headers=headers)


def cancel(client: FlaskClient, course: Course, headers: dict[str, str]) -> TestResponse:
    return client.post(f"/api/courses/{course.slug}/cancel", headers=headers)


def trpc_status(client: FlaskClient, course: Course, headers: dict[str, str]) -> TestResponse:
    return query(client, "generation.status", {"courseId": str(course.id)}, headers=headers)


def trpc_cancel(client: FlaskClient, course: Course, headers: dict[str, str]) -> TestResponse:
    return mutate(client, "generation.cancel", {"courseId": str(course.id)}, headers=headers)


@pytest.mark.parametrize(
    ("claims", "of_course", "allowed"),
    [
        ({"role": "admin", "organization_id": str(SCHOOL)}, SCHOOL, True),
        ({"role": "admin", "organization_id": str(SCHOOL).upper()}, SCHOOL, True),
        ({"role": "admin", "organization_id": str(OTHER)}, SCHOOL, False),
        ({"role": "admin", "organization_id": str(SCHOOL)}, None, False),
        ({"role": "admin"}, SCHOOL, False),
        ({"role": "admin"}, None, False),
        ({"role": "instructor", "organization_id": str(SCHOOL)}, SCHOOL, False),
        ({"role": "superadmin"}, SCHOOL, True),
        ({"role": "superadmin", "organization_id": str(OTHER)}, None, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("ask", [check, check_unchanged, follow, cancel, trpc_status, trpc_cancel])
def test_an_admin_acts_within_the_organisation_and_a_superadmin_everywhere(
    client: FlaskClient,
    make_course: MakeCourse,
    token: MakeToken,
    ask: Ask,
    claims: dict[str, Any],
    of_course: UUID | None,
    allowed: bool,
) -> None:
    course = make_course(organization_id=of_course)
    headers = {"Authorization": f"Bearer {token(uuid4(), app_metadata=claims)}"}
    # Nothing is active, which an admin learns from a cancel.
    expected = (409 if ask in (cancel, trpc_cancel) else 200) if allowed else 403
    assert ask(client, course, headers).status_code == expected


def test_an_organisations_admin_starts_no_course_of_somebody_else(
    client: FlaskClient, make_course: MakeCourse, token: MakeToken
) -> None:
    course = make_course(organization_id=SCHOOL)
    claims = {"role": "admin", "organization_id": str(SCHOOL)}
    headers = {"Authorization": f"Bearer {token(uuid4(), app_metadata=claims)}"}
    response = client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=headers)
    assert response.status_code == 403
    assert trpc_status(client, course, headers).status_code == 200
    response = mutate(client, "generation.initiate", {"courseId": str(course.id)}, headers=headers)
    assert response.status_code == 403


def test_an_admins_cancel_is_audited(
    client: FlaskClient, make_course: MakeCourse, token: MakeToken, conn: Conn
) -> None:
    course, admin = make_course(organization_id=SCHOOL), uuid4()
    owner = {"Authorization": f"Bearer {token(course.user_id)}"}
    started = client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=owner)
    assert started.status_code == 200
    claims = {"role": "admin", "organization_id": str(SCHOOL)}
    response = cancel(client, course, {"Authorization": f"Bearer {token(admin, app_metadata=claims)}"})
    assert response.status_code == 200
    [row] = conn.execute("select actor, action, course_id from coursegen.audit").fetchall()
    assert row == {"actor": f"admin:{admin}", "action": "cancel", "course_id": course.id}


def test_an_admins_stream_ends_when_the_course_leaves_the_organisation(
    client: FlaskClient, make_course: MakeCourse, token: MakeToken, conn: Conn, log_lines: LogLines
) -> None:
    course = make_course(organization_id=SCHOOL)
    claims = {"role": "admin", "organization_id": str(SCHOOL)}
    headers = {"Authorization": f"Bearer {token(uuid4(), app_metadata=claims)}"}
    response = client.get(f"/api/courses/{course.slug}/events", headers=headers)
    assert response.status_code == 200
    blocks = read_blocks(split_lines(response.iter_encoded()))
    assert next(block for block in blocks if block.name).name == "progress"
    conn.execute("update courses set organization_id = %s where id = %s", [OTHER, course.id])
    assert [block for block in blocks if block.name] == []
    [line] = [line for line in log_lines() if line["message"] == "stream_ended"]
    assert line["reason"] == "Forbidden"


def test_the_poll_of_the_earlier_release_reads_the_same(make_course: MakeCourse, conn: Conn) -> None:
    course = make_course(organization_id=SCHOOL)
    values = [course.slug, None, course.user_id, True, STUCK_AFTER_S, 20.0]
    [older] = conn.execute("select * from coursegen.poll_course_v1(%s, %s, %s, %s, %s, %s)", values).fetchall()
    [newer] = conn.execute("select * from coursegen.poll_course_v2(%s, %s, %s, %s, %s, %s)", values).fetchall()
    assert newer.pop("organization_id") == SCHOOL
    assert older == newer
