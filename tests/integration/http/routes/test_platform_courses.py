"""Polling on a platform's own table of courses."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.rows import DictRow, dict_row

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from tests.integration.factories import MakeToken, insert_course
from tests.logs import logging_restored

Conn = psycopg.Connection[DictRow]


@pytest.fixture
def platform_url(empty_database_url: str) -> str:
    """A platform's database: slugs that are not unique, and a status of the generation beside the course's own."""
    with psycopg.connect(empty_database_url) as conn:
        conn.execute(
            """
            create table courses (
                id uuid primary key, user_id uuid, title text, slug text,
                status text default 'draft', generation_status text
            )
            """
        )
    migrate(empty_database_url)
    return empty_database_url


@pytest.fixture
def platform_client(platform_url: str, settings: Settings) -> Iterator[FlaskClient]:
    with logging_restored():
        app = create_app(replace(settings, database_url=platform_url))
        yield app.test_client()
        app.extensions["services"].close()


def test_a_slug_found_twice_is_the_caller_s_own(
    platform_client: FlaskClient, platform_url: str, token: MakeToken
) -> None:
    users = [uuid4() for _ in range(3)]
    with psycopg.connect(platform_url, autocommit=True, row_factory=dict_row) as conn:
        courses = {user: insert_course(conn, user_id=user, slug="geology") for user in users}

    def ask(user: UUID, **claims: Any) -> Any:
        headers = {"Authorization": f"Bearer {token(user, **claims)}"}
        return platform_client.get("/api/courses/geology/check-status", headers=headers)

    for user in users:
        assert ask(user).json["courseId"] == str(courses[user].id)
        assert ask(user, app_metadata={"role": "superadmin"}).json["courseId"] == str(courses[user].id)
    with psycopg.connect(platform_url, autocommit=True) as other:
        other.execute("insert into courses (id, title, slug) values (gen_random_uuid(), 'Ничья', 'geology')")
    assert ask(users[0]).json["courseId"] == str(courses[users[0]].id)
    assert ask(uuid4()).status_code == 403
    assert ask(uuid4(), app_metadata={"role": "superadmin"}).status_code == 200


def test_a_platform_s_own_status_stands_beside_the_generation_s(
    platform_client: FlaskClient, platform_url: str, token: MakeToken
) -> None:
    with psycopg.connect(platform_url, autocommit=True, row_factory=dict_row) as conn:
        course = insert_course(conn, slug="geology")
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    answer = platform_client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=headers)
    assert answer.status_code == 200
    body = platform_client.get("/api/courses/geology/check-status", headers=headers).json
    assert body is not None
    assert (body["currentStatus"], body["currentGenerationStatus"]) == ("draft", "initializing")
    assert body["suggestedStatus"] == "initializing"


def test_a_course_without_a_slug_is_named_by_its_id(
    platform_client: FlaskClient, platform_url: str, token: MakeToken
) -> None:
    with psycopg.connect(platform_url, autocommit=True, row_factory=dict_row) as conn:
        course = insert_course(conn, slug=None)
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    body = platform_client.get(f"/api/courses/{course.id}/check-status", headers=headers).json
    assert body is not None
    assert (body["courseId"], body["slug"]) == (str(course.id), None)


def test_a_course_of_nobody_is_nobody_s(platform_client: FlaskClient, platform_url: str, token: MakeToken) -> None:
    course_id = uuid4()
    with psycopg.connect(platform_url, autocommit=True) as conn:
        conn.execute("insert into courses (id, title, slug) values (%s, 'Ничья', 'nobodys')", [course_id])
    headers = {"Authorization": f"Bearer {token(uuid4())}"}
    assert platform_client.get("/api/courses/nobodys/check-status", headers=headers).status_code == 403
    answer = platform_client.post("/api/coursegen/generate", json={"courseId": str(course_id)}, headers=headers)
    assert answer.status_code == 403


def test_a_platform_s_own_times_may_lack_a_zone_or_be_unknown(
    platform_client: FlaskClient, platform_url: str, token: MakeToken
) -> None:
    with psycopg.connect(platform_url, autocommit=True, row_factory=dict_row) as conn:
        conn.execute(
            """
            alter table courses
                alter created_at type timestamp using '2026-01-02 03:04:05', alter updated_at drop not null
            """
        )
        course = insert_course(conn, slug="geology", created_at="2026-01-02 03:04:05", updated_at=None)
        headers = {"Authorization": f"Bearer {token(course.user_id)}"}
        body = platform_client.get("/api/courses/geology/check-status", headers=headers).json
        assert body is not None
        assert (body["createdAt"], body["updatedAt"]) == ("2026-01-02T03:04:05.000Z", None)
        assert body["minutesSinceCreation"] > 0
        conn.execute("alter table courses alter created_at drop not null")
        conn.execute("update courses set created_at = null")
        body = platform_client.get("/api/courses/geology/check-status", headers=headers).json
        assert body is not None
        assert (body["createdAt"], body["minutesSinceCreation"]) == (None, None)
        conn.execute("update courses set created_at = 'infinity', updated_at = '-infinity'")
        body = platform_client.get("/api/courses/geology/check-status", headers=headers).json
        assert body is not None
        assert (body["createdAt"], body["updatedAt"], body["minutesSinceCreation"]) == (None, None, None)
