"""`GET /api/courses/<slug>/events`: access, events, and the end of a stream."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg.rows import DictRow
from werkzeug.test import TestResponse

from app import create_app
from app.http.routes import course_stream as events
from app.settings import Settings
from tests.answers import assert_error, assert_unauthorized, error_body
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.generation.proxy import proxied
from tests.integration.http.conftest import CheckStatus, LogLines
from tests.integration.http.sse import Event, read_blocks, split_lines
from tests.logs import logging_restored

Conn = psycopg.Connection[DictRow]

#: The id of a state that no course is in.
OTHER = "0" * 32


class Following:
    """One stream, read block by block."""

    def __init__(self, response: TestResponse) -> None:
        assert response.status_code == 200, response.text
        self.response = response
        self.blocks = read_blocks(split_lines(response.iter_encoded()))
        assert next(self.blocks).retry.isdecimal()

    def next(self) -> Event:
        """The next event; comments are passed over."""
        return next(block for block in self.blocks if block.name)


Follow = Callable[..., Following]


@pytest.fixture
def ask(client: FlaskClient, token: MakeToken) -> Callable[..., TestResponse]:
    """A function that asks for a course's events, as its owner unless told otherwise."""
    return asking(client, token)


def asking(client: FlaskClient, token: MakeToken) -> Callable[..., TestResponse]:
    def ask(course: Course, seen: str = "", method: str = "GET", user_id: object = None, **claims: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token(str(user_id or course.user_id), **claims)}"}
        if seen:
            headers["Last-Event-ID"] = seen
        return client.open(f"/api/courses/{course.slug}/events", method=method, headers=headers)

    return ask


@pytest.fixture
def follow(ask: Callable[..., TestResponse]) -> Iterator[Follow]:
    """A function that opens a stream, as its owner unless told otherwise; all are closed after the test."""
    opened: list[Following] = []

    def follow(course: Course, **how: Any) -> Following:
        opened.append(Following(ask(course, **how)))
        return opened[-1]

    yield follow
    for following in opened:
        following.response.close()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats, and with them looks at the token, come often."""
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(events, "PROBE_S", 0.05)


def change_step(conn: Conn, course: Course, step: int, status: str = "completed") -> None:
    conn.execute("select update_course_progress(%s, %s, %s, 'дальше')", [course.id, step, status])


def change_status(conn: Conn, course: Course, status: str) -> None:
    conn.execute("select coursegen.set_course_status(%s, %s)", [course.id, status])


def test_the_first_event_is_what_check_status_answers(
    follow: Follow, check_status: CheckStatus, conn: Conn, make_course: MakeCourse
) -> None:
    course = make_course(title="Основы\u2028геологии", slug="основы\u2028геологии")
    change_step(conn, course, 1)
    polled = check_status(course.slug, course.user_id)
    began = time.monotonic()
    following = follow(course)
    event = following.next()
    assert time.monotonic() - began < 1
    assert (event.name, event.body) == ("progress", polled.json)
    assert event.id == polled.get_etag()[0]
    headers = following.response.headers
    assert headers["Content-Type"].startswith("text/event-stream")
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")


def test_each_change_is_an_event(follow: Follow, conn: Conn, make_course: MakeCourse) -> None:
    course = make_course()
    following = follow(course)
    following.next()
    for step in (1, 2):
        change_step(conn, course, step)
        event = following.next()
        assert event.name == "progress"
        assert event.body["generationProgress"]["current_step"] == step


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_the_final_event_is_the_last(follow: Follow, conn: Conn, make_course: MakeCourse, status: str) -> None:
    course = make_course()
    following = follow(course)
    following.next()
    change_status(conn, course, status)
    event = following.next()
    assert (event.name, event.body["currentGenerationStatus"]) == ("final", status)
    assert list(following.blocks) == []


def test_who_comes_after_the_end_is_told_so_and_then_to_stay_away(
    ask: Callable[..., TestResponse], follow: Follow, conn: Conn, make_course: MakeCourse
) -> None:
    course = make_course()
    change_status(conn, course, "completed")
    following = follow(course)
    event = following.next()
    assert event.name == "final"
    assert list(following.blocks) == []
    again = ask(course, seen=event.id)
    assert (again.status_code, again.data) == (204, b"")
    assert follow(course, seen=OTHER).next() == event


def test_a_client_that_comes_back_is_not_told_what_it_knows(
    follow: Follow, conn: Conn, make_course: MakeCourse
) -> None:
    course = make_course()
    first = follow(course)
    known = first.next().id
    first.response.close()
    back = follow(course, seen=known)
    change_step(conn, course, 1)
    event = back.next()
    assert event.id != known
    assert event.body["generationProgress"]["percentage"] == 20
    assert follow(course, seen=known).next().id == event.id


@pytest.mark.usefixtures("brisk")
def test_comments_come_while_nothing_changes(follow: Follow, make_course: MakeCourse) -> None:
    following = follow(make_course())
    following.next()
    assert [next(following.blocks) for _ in range(3)] == [Event()] * 3


@pytest.mark.usefixtures("brisk")
def test_a_stream_outlives_an_outage(
    clean: None, settings: Settings, token: MakeToken, conn: Conn, make_course: MakeCourse
) -> None:
    course = make_course()
    with (
        proxied(settings.database_url) as proxy,
        serving(settings, database_url=proxy.url) as app,
        following(asking(app.test_client(), token)(course)) as stream,
    ):
        stream.next()
        proxy.refuse()
        change_step(conn, course, 1)
        assert [next(stream.blocks) for _ in range(10)] == [Event()] * 10
        proxy.refuse(False)
        assert stream.next().body["generationProgress"]["percentage"] == 20


@contextmanager
def serving(settings: Settings, **changes: Any) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, **changes))
        yield app
        app.extensions["services"].close()


@contextmanager
def following(response: TestResponse) -> Iterator[Following]:
    stream = Following(response)
    yield stream
    stream.response.close()


def test_no_connection_is_held_for_a_stream(
    clean: None, settings: Settings, token: MakeToken, conn: Conn, make_course: MakeCourse
) -> None:
    course = make_course()
    with serving(settings, pool_size=1) as app:
        ask = asking(app.test_client(), token)
        with following(ask(course)) as one, following(ask(course)) as two:
            assert one.next() == two.next()
            change_step(conn, course, 1)
            assert one.next() == two.next()


def test_beyond_the_limit_it_is_too_many_until_one_leaves(
    clean: None, settings: Settings, token: MakeToken, make_course: MakeCourse
) -> None:
    course = make_course()
    with serving(settings, sse_connections=1) as app:
        ask = asking(app.test_client(), token)
        with following(ask(course)):
            refused = ask(course)
            assert refused.status_code == 503
            assert error_body(refused)["code"] == "too_many_streams"
            assert int(refused.headers["Retry-After"]) > 0
            assert ask(course, method="HEAD").status_code == 200
        with following(ask(course)):
            pass
        ask(course).close()  # gone before a byte was sent
        with following(ask(course)):
            pass


def test_a_head_is_answered_and_nothing_follows(ask: Callable[..., TestResponse], make_course: MakeCourse) -> None:
    response = ask(make_course(), method="HEAD")
    assert (response.status_code, response.mimetype, response.data) == (200, "text/event-stream", b"")


def test_other_methods_are_named(ask: Callable[..., TestResponse], make_course: MakeCourse) -> None:
    course = make_course()
    assert set(ask(course, method="OPTIONS").headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert ask(course, method="POST").status_code == 405


def test_it_is_for_the_owner_and_admins_alone(
    ask: Callable[..., TestResponse], follow: Follow, client: FlaskClient, make_course: MakeCourse
) -> None:
    course = make_course()
    assert_unauthorized(client.get(f"/api/courses/{course.slug}/events"))
    assert_error(ask(course, user_id=uuid4()), 403, "Forbidden: You do not have access to this course", "forbidden")
    assert_error(ask(replace(course, slug="unknown")), 404, "Course not found", "course_not_found")
    assert follow(course, user_id=uuid4(), app_metadata={"role": "admin"}).next().name == "progress"


@pytest.mark.usefixtures("brisk")
def test_it_ends_with_the_token(follow: Follow, make_course: MakeCourse, log_lines: LogLines) -> None:
    following = follow(make_course(), exp=int(time.time()) - 28)  # which the leeway makes good for two seconds
    assert following.next().name == "progress"
    assert set(following.blocks) == {Event()}
    assert reason(log_lines) == "Unauthorized"


def reason(log_lines: LogLines) -> object:
    (line,) = [line for line in log_lines() if line["message"] == "stream_ended"]
    assert line.keys() >= {"requestId", "userId", "courseId", "seconds"}
    return line["reason"]


def test_it_ends_when_the_course_is_given_away(
    follow: Follow, conn: Conn, make_course: MakeCourse, log_lines: LogLines
) -> None:
    course = make_course()
    following = follow(course)
    following.next()
    conn.execute("update courses set user_id = %s where id = %s", [uuid4(), course.id])
    assert list(following.blocks) == []
    assert reason(log_lines) == "Forbidden"


def test_it_ends_when_the_course_is_deleted(
    follow: Follow, conn: Conn, make_course: MakeCourse, log_lines: LogLines
) -> None:
    course = make_course()
    following = follow(course)
    following.next()
    conn.execute("delete from courses where id = %s", [course.id])
    assert list(following.blocks) == []
    assert reason(log_lines) == "CourseNotFound"


def test_it_ends_with_its_client(follow: Follow, make_course: MakeCourse, log_lines: LogLines) -> None:
    following = follow(make_course())
    following.next()
    following.response.close()
    assert reason(log_lines) == "client_gone"


def test_it_ends_with_its_process(app: Flask, follow: Follow, make_course: MakeCourse, log_lines: LogLines) -> None:
    following = follow(make_course())
    following.next()
    app.extensions["services"].watch.close()
    assert list(following.blocks) == []
    assert reason(log_lines) == "WatchEnded"
