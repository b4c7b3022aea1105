"""Streams of a course's events, read block by block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.http.routes import course_stream as events
from app.settings import Settings
from tests.integration.factories import Course, MakeToken
from tests.integration.http.conftest import Conn
from tests.integration.http.sse import Event, read_blocks, split_lines
from tests.logs import logging_restored

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
    """A function that asks for a course's events, by default as its owner."""
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
    """A function that opens a stream, by default as its owner; all are closed after the test."""
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


def change_status(conn: Conn, course: Course, status: str) -> None:
    conn.execute("select coursegen.write_course(%s, '[]', %s)", [course.id, status])


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
