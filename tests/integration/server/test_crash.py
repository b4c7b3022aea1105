"""A server process is killed during a request with an idempotency key, and the request is repeated."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.rows import DictRow

from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.generation.proxy import Fault, proxied
from tests.integration.serving import Server, StartServer

Conn = psycopg.Connection[DictRow]
Send = Callable[[Server, Course, str], tuple[int, Any]]


@pytest.fixture(scope="module")
def survivor(start_server: StartServer, wait_until: WaitUntil) -> Server:
    """The server that is asked after the other's death."""
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    return server


@pytest.fixture
def send(token: MakeToken) -> Send:
    """A function that sends the course's one keyed request under a request id."""

    def send(server: Server, course: Course, request_id: str) -> tuple[int, Any]:
        headers = [
            # With slots to spare: the dead one's stays taken in Redis for some seconds.
            ("Authorization", f"Bearer {token(course.user_id, 'PREMIUM')}"),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "one-and-only"),
            ("X-Request-ID", request_id),
        ]
        return server.call(
            "POST", "/api/coursegen/generate", json.dumps({"courseId": str(course.id)}).encode(), headers
        )

    return send


def kill(server: Server) -> None:
    """The server's processes are gone, and had no time to say so."""
    parent = psutil.Process(server.process.pid)
    family = [parent, *parent.children(recursive=True)]  # the parent first: it starts what dies again
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=5)


def in_vain(send: Send, server: Server, course: Course) -> threading.Thread:
    """The request is sent, and its answer, if one ever comes, is not what counts."""

    def try_it() -> None:
        with suppress(OSError, HTTPException, ValueError):
            send(server, course, "first")

    thread = threading.Thread(target=try_it)
    thread.start()
    return thread


def generations(conn: Conn) -> list[tuple[str, str]]:
    """Id and request id of each."""
    return [
        (str(row["id"]), row["request_id"]) for row in conn.execute("select id, request_id from coursegen.generations")
    ]


def test_a_keyed_request_killed_after_its_commit_is_replayed_by_another_process(
    start_server: StartServer,
    survivor: Server,
    send: Send,
    make_course: MakeCourse,
    conn: Conn,
    database_url: str,
    wait_until: WaitUntil,
) -> None:
    course = make_course()
    with proxied(database_url) as proxy:
        server = start_server(DATABASE_URL=proxy.url)
        wait_until(lambda: server.status("/readyz") == 200)
        proxy.arm(b"admit_generations_v2", Fault.MUTE)
        request = in_vain(send, server, course)
        wait_until(lambda: generations(conn))
        kill(server)
        request.join()
    [(generation_id, request_id)] = generations(conn)
    assert request_id == "first"
    status, answer = send(survivor, course, "second")
    assert (status, answer["jobId"]) == (200, generation_id)
    assert len(generations(conn)) == 1


def test_a_keyed_request_killed_while_it_waits_for_its_course_starts_exactly_one_generation(
    start_server: StartServer,
    survivor: Server,
    send: Send,
    make_course: MakeCourse,
    conn: Conn,
    database_url: str,
    wait_until: WaitUntil,
) -> None:
    course = make_course()
    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    with psycopg.connect(database_url) as holder:
        holder.execute("select from courses for no key update")
        request = in_vain(send, server, course)
        wait_until(lambda: conn.execute(waiting).fetchall())
        assert send(survivor, course, "meanwhile")[1]["code"] == "idempotency_in_flight"
        kill(server)
        request.join()
        holder.rollback()
    statuses: list[int] = []
    answers: list[str | None] = []

    def admitted() -> bool:
        status, answer = send(survivor, course, "second")
        statuses.append(status)
        answers.append(answer.get("jobId"))
        return status == 200

    wait_until(admitted)
    assert set(statuses[:-1]) <= {409}  # until the database noticed whose transaction it was
    # The database may have committed what it was asked for last before it noticed that nobody waits.
    [(generation_id, _)] = generations(conn)
    assert answers[-1] == generation_id
