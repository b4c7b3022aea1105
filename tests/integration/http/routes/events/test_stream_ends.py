"""What ends a stream, and the reason that is logged."""

import time
from uuid import uuid4

import pytest
from flask import Flask

from tests.integration.factories import MakeCourse
from tests.integration.http.conftest import Conn, LogLines
from tests.integration.http.routes.events.conftest import Follow
from tests.integration.http.sse import Event


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
