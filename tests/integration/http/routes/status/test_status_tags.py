"""The ETag of check-status: it changes with every field but the minutes, and an unchanged poll reads no progress."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from app import create_app
from app.generation.callers import Caller, Role
from app.generation.errors import CourseNotFound, Forbidden
from app.generation.progress.status import FoundCourse
from app.generation.tiers import Tier
from app.services import Services
from app.settings import Settings
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.http.conftest import CheckStatus, Generate
from tests.logs import logging_restored

Conn = psycopg.Connection[DictRow]

JOB = "insert into procrastinate_jobs (queue_name, task_name, priority, status) values ('stages', 't', 10, 'todo')"
RUNNING = "update coursegen.generations set status = 'running', created_at = now() - interval '1 hour'"
#: Changes by the field of the body that shows them.
CHANGES = {
    "slug": "update courses set slug = slug || 'x'",
    "currentStatus": "update courses set status = 'generating_content'",
    "currentGenerationStatus": "update courses set status = 'failed'",
    "generationProgress": "update courses set generation_progress = generation_progress || '{\"percentage\": 55}'",
    "createdAt": "update courses set created_at = created_at - interval '1 day'",
    "updatedAt": "update courses set updated_at = updated_at + interval '1 second'",
    "isStuck": f"{RUNNING}; update courses set last_progress_update = now() - interval '16 minutes'",
    "recoveryReason": f"{RUNNING}; update courses set last_progress_update = null",
    "suggestedStatus": f"{RUNNING}; update courses set last_progress_update = now() - interval '1 hour'",
    "queuePosition": JOB,
    "workerAlive": "insert into coursegen.workers (id, process, name, version, queues)"
    " values (1, 'host:1', 'worker', '1', '{stages}') on conflict (id) do nothing",
}
#: What may be undone or repeated, and what changes nothing.
OTHERS = [
    "update coursegen.generations set status = 'queued'",
    "update courses set last_progress_update = now(), status = 'initializing'",
    "update coursegen.workers set last_heartbeat = now() - interval '1 hour'",
    "update coursegen.workers set last_heartbeat = now()",
    "delete from procrastinate_jobs where priority = 10",
    "select 1",
]


@pytest.fixture
def queued(generate: Generate, make_course: MakeCourse) -> Course:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    return course


@pytest.fixture
def poll(check_status: CheckStatus, queued: Course) -> Callable[[], tuple[str, dict[str, Any]]]:
    """A function that returns the tag and the body without its minutes."""

    def poll() -> tuple[str, dict[str, Any]]:
        response = check_status(str(queued.id), queued.user_id)
        body = cast(dict[str, Any], response.json)
        del body["minutesSinceCreation"]
        return response.headers["ETag"], body

    return poll


def test_every_field_is_covered(poll: Callable[[], tuple[str, dict[str, Any]]]) -> None:
    assert poll()[1].keys() - CHANGES.keys() == {"courseId"}


@pytest.mark.parametrize("field", CHANGES)
def test_the_tag_changes_with_each_field(
    poll: Callable[[], tuple[str, dict[str, Any]]], conn: Conn, field: str
) -> None:
    tag, body = poll()
    assert poll() == (tag, body)
    conn.execute(CHANGES[field])
    changed_tag, changed_body = poll()
    assert changed_body[field] != body[field]
    assert changed_tag != tag


def test_a_tag_means_one_body(poll: Callable[[], tuple[str, dict[str, Any]]], conn: Conn) -> None:
    bodies: dict[str, dict[str, Any]] = {}

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.sampled_from([*CHANGES.values(), *OTHERS]), max_size=5))
    def check(changes: list[str]) -> None:
        for change in changes:
            conn.execute(change)
            tag, body = poll()
            assert bodies.setdefault(tag, body) == body, change

    check()
    assert len(bodies) > len(CHANGES)


def test_the_tag_changes_when_a_generation_becomes_stuck_by_time_alone(
    poll: Callable[[], tuple[str, dict[str, Any]]], conn: Conn, wait_until: WaitUntil
) -> None:
    conn.execute(RUNNING)
    conn.execute("update courses set last_progress_update = now() - interval '14 minutes 59 seconds'")
    tag, body = poll()
    assert body["isStuck"] is False
    wait_until(lambda: poll()[1]["isStuck"], 10)
    assert poll()[0] != tag


def test_an_unchanged_poll_does_not_read_the_progress(
    settings: Settings, conn: Conn, make_course: MakeCourse, token: MakeToken
) -> None:
    course = make_course()
    # Too long, and too random to be compressed, for the row itself.
    conn.execute(
        "update courses set generation_progress = jsonb_build_object('pad', ("
        "select string_agg(md5(n::text), '') from generate_series(1, 20000) n))"
    )
    with logging_restored():
        app = create_app(replace(settings, pool_size=1))
        headers = {"Authorization": f"Bearer {token(course.user_id)}"}
        path = f"/api/courses/{course.slug}/check-status"

        def read(status: int, **condition: str) -> tuple[int, str]:
            before = blocks_of_progress(app, conn)
            response = app.test_client().get(path, headers={**headers, **condition})
            assert response.status_code == status
            return blocks_of_progress(app, conn) - before, response.headers["ETag"]

        blocks, tag = read(200)
        assert blocks > 50
        assert read(304, **{"If-None-Match": tag}) == (0, tag)
        app.extensions["services"].close()


def blocks_of_progress(app: Flask, conn: Conn) -> int:
    """How many blocks of values that are stored apart from the rows of `courses` were read so far."""
    with app.extensions["services"].db.connection() as own:  # the only one of the application
        own.execute("select pg_stat_force_next_flush()")
    row = conn.execute(
        "select coalesce(toast_blks_read, 0) + coalesce(toast_blks_hit, 0) as blocks"
        " from pg_statio_user_tables where relid = 'public.courses'::regclass"
    ).fetchone()
    assert row is not None
    return int(row["blocks"])


def test_each_of_many_concurrent_polls_gets_its_own_course(services: Services, make_course: MakeCourse) -> None:
    courses = [make_course() for _ in range(20)]
    stranger = Caller(uuid4(), Tier.FREE)

    def check(course: Course) -> None:
        found = services.polls.find(Caller(course.user_id, Tier.FREE), course.slug)
        assert found == FoundCourse(course.id, course.user_id, None, found.tag)
        assert services.polls.find(Caller(uuid4(), Tier.FREE, Role.SUPERADMIN), course.id) == found
        with pytest.raises(Forbidden):
            services.polls.find(stranger, course.slug)
        with pytest.raises(CourseNotFound):
            services.polls.find(stranger, f"{course.slug}-")
        with pytest.raises(CourseNotFound):
            services.polls.find(stranger, "\0")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, courses * 5))


def test_a_slug_is_a_slug_or_an_id(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course()
    body = json.loads(check_status(str(course.id), course.user_id).data)
    assert (body["courseId"], body["slug"]) == (str(course.id), course.slug)
    tag = check_status(course.slug, course.user_id).headers["ETag"]
    assert check_status(str(course.id), course.user_id, {"If-None-Match": tag}).status_code == 304
    # The id goes first; a slug that looks like an id is found if no course has that id.
    confusing = make_course(user_id=course.user_id, slug=str(course.id))
    looks_like_an_id = make_course(user_id=course.user_id, slug=str(uuid4()))
    assert json.loads(check_status(confusing.slug, course.user_id).data)["courseId"] == str(course.id)
    body = json.loads(check_status(looks_like_an_id.slug, course.user_id).data)
    assert body["courseId"] == str(looks_like_an_id.id)
    assert check_status(str(uuid4()), course.user_id).status_code == 404
