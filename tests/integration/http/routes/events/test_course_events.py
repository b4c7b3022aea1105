"""`GET /api/courses/<slug>/events`: access, and the events that come."""

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.settings import Settings
from tests.answers import assert_error, assert_unauthorized, error_body
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.generation.proxy import proxied
from tests.integration.http.conftest import CheckStatus, Conn, change_step
from tests.integration.http.routes.events.conftest import OTHER, Follow, asking, change_status, following, serving
from tests.integration.http.sse import Event


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
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store, no-transform", "no")


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


def test_a_client_after_the_end_gets_the_final_state_and_then_204(
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


def test_a_client_that_comes_back_does_not_get_what_it_knows(
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


def test_one_user_leaves_room_for_others(
    clean: None, settings: Settings, token: MakeToken, make_course: MakeCourse
) -> None:
    one, another = make_course(), make_course()
    with serving(settings, sse_per_user=2) as app:
        ask = asking(app.test_client(), token)
        with following(ask(one)), following(ask(one)):
            refused = ask(one)
            assert refused.status_code == 429
            assert error_body(refused)["code"] == "too_many_user_streams"
            assert int(refused.headers["Retry-After"]) > 0
            with following(ask(another)):
                pass
        with following(ask(one)):
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
    assert follow(course, user_id=uuid4(), app_metadata={"role": "superadmin"}).next().name == "progress"
