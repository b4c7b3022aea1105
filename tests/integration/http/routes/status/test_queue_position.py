"""How many jobs come before a generation that waits, and whether any worker lives to take them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.rows import DictRow

from app import create_app
from app.settings import Settings
from tests.integration.factories import Course, MakeCourse, MakeToken, add_worker
from tests.integration.generation.proxy import proxied
from tests.integration.http.conftest import CheckStatus, Generate
from tests.logs import logging_restored

Conn = psycopg.Connection[DictRow]
Status = Callable[[Course], dict[str, Any]]

JOB = """
    insert into procrastinate_jobs (queue_name, task_name, priority, status, scheduled_at)
    values (%s, 't', %s, %s, %s)
"""


@pytest.fixture
def status(check_status: CheckStatus) -> Status:
    """A function that asks how a course stands, as its owner."""

    def read(course: Course) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(check_status(course.slug, course.user_id).data)
        return body

    return read


@pytest.fixture
def queued(generate: Generate, make_course: MakeCourse) -> Course:
    """A course whose generation waits at priority 3."""
    course = make_course()
    assert generate(course.id, course.user_id, "BASIC").status_code == 200
    return course


def wait_in_line(conn: Conn, priority: int, queue: str = "stages", status: str = "todo", at: str | None = None) -> None:
    conn.execute(JOB, (queue, priority, status, at))


def test_the_first_in_line_has_nobody_before_it(status: Status, queued: Course) -> None:
    assert status(queued)["queuePosition"] == 0


def test_earlier_and_more_urgent_jobs_come_before_it(
    status: Status, generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    for priority in (1, 3, 3, 10):
        wait_in_line(conn, priority)
    course = make_course()
    assert generate(course.id, course.user_id, "BASIC").status_code == 200
    assert status(course)["queuePosition"] == 3
    wait_in_line(conn, 3)
    assert status(course)["queuePosition"] == 3
    wait_in_line(conn, 4)
    assert status(course)["queuePosition"] == 4


def test_jobs_of_other_queues_those_of_later_and_those_that_run_do_not_count(
    status: Status, queued: Course, conn: Conn
) -> None:
    wait_in_line(conn, 10, queue="upkeep")
    wait_in_line(conn, 10, at="2999-01-01")
    for over in ("doing", "succeeded", "failed", "cancelled"):
        wait_in_line(conn, 10, status=over)
    assert status(queued)["queuePosition"] == 0
    wait_in_line(conn, 10, at="2001-01-01")
    assert status(queued)["queuePosition"] == 1


def test_a_long_line_is_counted_up_to_a_hundred(status: Status, queued: Course, conn: Conn) -> None:
    for more, expected in ((99, 99), (1, 100), (1, 100)):
        for _ in range(more):
            wait_in_line(conn, 10)
        assert status(queued)["queuePosition"] == expected


@pytest.mark.parametrize("state", ["running", "completed", "failed", "cancelled"])
def test_what_does_not_wait_has_no_place_in_the_line(status: Status, queued: Course, conn: Conn, state: str) -> None:
    conn.execute(
        "update coursegen.generations set status = %(state)s::text::coursegen.generation_status,"
        " finished_at = case when %(state)s <> 'running' then now() end,"
        " user_slot = case when %(state)s = 'running' then user_slot end,"
        " system_slot = case when %(state)s = 'running' then system_slot end",
        {"state": state},
    )
    assert status(queued)["queuePosition"] is None
    assert (status(queued)["workerAlive"] is None) == (state != "running")


def test_a_queued_generation_without_its_job_has_no_place(status: Status, queued: Course, conn: Conn) -> None:
    conn.execute("delete from procrastinate_jobs")
    assert status(queued)["queuePosition"] is None


def test_a_worker_with_a_recent_heartbeat_is_alive(app: Flask, status: Status, queued: Course, conn: Conn) -> None:
    stalled = app.extensions["services"].settings.stalled_s
    assert status(queued)["workerAlive"] is False
    for age, alive in ((stalled + 5, False), (stalled - 5, True)):
        add_worker(conn, "stages", silent_s=age)
        assert status(queued)["workerAlive"] is alive


def test_a_worker_that_serves_no_stages_does_not_count(status: Status, queued: Course, conn: Conn) -> None:
    add_worker(conn, "upkeep", "builtin")
    add_worker(conn, "webhooks")
    conn.execute("insert into procrastinate_workers default values")  # another program's
    assert status(queued)["workerAlive"] is False
    add_worker(conn, "webhooks", "stages")
    assert status(queued)["workerAlive"] is True


def test_the_tag_changes_when_the_line_moves_and_when_the_workers_die_and_not_with_each_heartbeat(
    check_status: CheckStatus, queued: Course, conn: Conn
) -> None:
    def tag() -> str:
        return check_status(queued.slug, queued.user_id).headers["ETag"]

    tags = [tag()]
    wait_in_line(conn, 10)
    tags.append(tag())
    add_worker(conn, "stages", silent_s=3)
    tags.append(tag())
    assert len(set(tags)) == 3
    conn.execute("update coursegen.workers set last_heartbeat = now()")
    assert tag() == tags[-1]
    conn.execute("update coursegen.workers set last_heartbeat = now() - interval '1 hour'")
    assert tag() == tags[1]


def test_a_poll_is_one_round_trip(queued: Course, token: MakeToken, database_url: str, settings: Settings) -> None:
    with proxied(database_url) as proxy, logging_restored():
        app = create_app(replace(settings, database_url=proxy.url, pool_size=1))
        client = app.test_client()
        headers = {"Authorization": f"Bearer {token(queued.user_id)}"}
        path = f"/api/courses/{queued.slug}/check-status"
        for _ in range(8):  # until its connection is open and the statement prepared
            tag = client.get(path, headers=headers).headers["ETag"]
        before = proxy.turns
        assert client.get(path, headers={**headers, "If-None-Match": tag}).status_code == 304
        assert proxy.turns - before == 1
        app.extensions["services"].close()
