"""Event streams under the production server: many at once, without blocking other requests."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psutil
import pytest
from psycopg.types.json import Jsonb

from app.generation.progress.watch import PAUSE_S
from stack.server import HOST
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.generation.proxy import Proxy, proxied
from tests.integration.http.conftest import Conn, change_step
from tests.integration.http.sse import Client
from tests.integration.server.wire import head
from tests.integration.serving import Server, StartServer

ROOM = 200
WITHIN_S = 1.0
ROUNDS = 6


@pytest.fixture(scope="module")
def proxy(database_url: str) -> Iterator[Proxy]:
    """What the server's database is reached through."""
    with proxied(database_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def server(start_server: StartServer, proxy: Proxy, wait_until: WaitUntil) -> Server:
    """A server that serves one request at a time."""
    server = start_server(DATABASE_URL=proxy.url, API_THREADS="1", SSE_CONNECTIONS=str(ROOM), SSE_PER_USER=str(ROOM))
    wait_until(lambda: server.status("/readyz") == 200)
    return server


@contextmanager
def following(
    server: Server, token: MakeToken, courses: list[Course], each: int = 1
) -> Iterator[list[tuple[Course, Client]]]:
    """This many clients for each course; all have received their first event."""
    with ExitStack() as stack:
        clients = []
        for course in courses * each:
            client = stack.enter_context(closing(Client(server, course, token(course.user_id))))
            assert client.response.status == 200
            assert client.next().name == "progress"
            clients.append((course, client))
        yield clients


def test_a_change_arrives_within_a_second(
    server: Server, clean: None, conn: Conn, make_course: MakeCourse, token: MakeToken
) -> None:
    course = make_course()
    with following(server, token, [course]) as [(_, client)]:
        for step in (1, 2, 3):
            change_step(conn, course, step)
            changed = time.monotonic()
            assert client.next().body["generationProgress"]["current_step"] == step
            assert time.monotonic() - changed < WITHIN_S


def turns_a_look(proxy: Proxy, looks: int = 5) -> float:
    """How many queries there are in the time of one look, measured over that of several."""
    before, began = proxy.turns, time.monotonic()
    time.sleep(looks * PAUSE_S)
    return (proxy.turns - before) * PAUSE_S / (time.monotonic() - began)


@pytest.mark.slow
def test_two_hundred_cost_no_more_queries_than_one_nor_the_others_their_turn(
    server: Server,
    clean: None,
    conn: Conn,
    proxy: Proxy,
    make_course: MakeCourse,
    token: MakeToken,
    wait_until: WaitUntil,
) -> None:
    courses = [make_course() for _ in range(20)]
    with following(server, token, courses[:1]):
        assert 0 < turns_a_look(proxy) < 1.5
    wait_until(lambda: nobody_looks(proxy), 10)
    with following(server, token, courses, each=ROOM // len(courses)) as clients:
        assert 0 < turns_a_look(proxy) < 1.5
        asked = time.monotonic()
        assert server.status("/livez") == 200
        assert time.monotonic() - asked < WITHIN_S
        changed = time.monotonic()
        for course in courses:
            change_step(conn, course, 1)
        for _, client in clients:
            assert client.next().body["generationProgress"]["percentage"] == 20
        assert time.monotonic() - changed < 2 * WITHIN_S  # reading two hundred takes a part of it
        assert refused(server, courses[0], token) == "too_many_streams"
        clients.pop()[1].close()
        wait_until(lambda: refused(server, courses[0], token) is None, 5)
    wait_until(lambda: nobody_looks(proxy), 10)


def nobody_looks(proxy: Proxy) -> bool:
    """Whether all clients are gone, and their streams with them."""
    return turns_a_look(proxy, 2) == 0


def refused(server: Server, course: Course, token: MakeToken) -> str | None:
    """The code of the refusal; None where there is none."""
    with closing(Client(server, course, token(course.user_id))) as client:
        return str(json.loads(client.response.read())["code"]) if client.response.status == 503 else None


def test_one_that_does_not_read_holds_nobody_up(
    server: Server, clean: None, conn: Conn, make_course: MakeCourse, token: MakeToken
) -> None:
    course = make_course()
    with (
        closing(Client(server, course, token(course.user_id))) as deaf,
        following(server, token, [course]) as [(_, client)],
    ):
        for round_ in range(ROUNDS):
            change_metadata(conn, course, round_)
            changed = time.monotonic()
            assert client.next().body["generationProgress"]["metadata"]["round"] == round_
            assert time.monotonic() - changed < WITHIN_S
        assert server.status("/livez") == 200
        while (deaf.next().body["generationProgress"] or {}).get("metadata", {}).get("round") != ROUNDS - 1:
            pass


def change_metadata(conn: Conn, course: Course, number: int) -> None:
    """To so much that no buffer on the way holds it."""
    metadata = Jsonb({"metadata": {"round": number, "pad": "x" * 4_000_000}})
    conn.execute("update courses set generation_progress = %s where id = %s", [metadata, course.id])


@pytest.mark.slow
def test_one_that_never_reads_is_cut_off_as_is_one_that_reads_no_response(
    server: Server, clean: None, conn: Conn, make_course: MakeCourse, token: MakeToken, wait_until: WaitUntil
) -> None:
    """Both wait in the kernel's buffers, then in the server's, and never in a thread."""
    course = make_course()
    with socket.socket() as silent, closing(Client(server, course, token(course.user_id))) as deaf:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect((HOST, server.port))
        silent.sendall(head("GET", "/openapi.json") * 100)
        assert server.status("/livez") == 200
        deaf.next()
        wait_until(lambda: open_streams(server) == 1)
        for round_ in range(4):
            change_metadata(conn, course, round_)
            wait_until(lambda: open_streams(server) == 1)
        assert has_connection(server, silent)
        wait_until(lambda: open_streams(server) == 0, 60)
        wait_until(lambda: not has_connection(server, silent), 60)
        assert server.status("/livez") == 200
    assert any('"client_gone"' in line for line in server.lines)
    assert not [line for line in server.lines if '"level":"error"' in line]


def has_connection(server: Server, sock: socket.socket) -> bool:
    """Whether the server still has its end."""
    ours = sock.getsockname()[1]
    processes = psutil.Process(server.process.pid).children(recursive=True)
    return any(c.raddr and c.raddr.port == ours for child in processes for c in child.net_connections())


def open_streams(server: Server) -> int:
    text = server.ask("GET", "/metrics")[1].decode()
    (line,) = [line for line in text.splitlines() if line.startswith("coursegen_event_streams ")]
    return int(float(line.split()[1]))


def test_one_that_leaves_is_noticed_at_once(
    server: Server, clean: None, make_course: MakeCourse, token: MakeToken, wait_until: WaitUntil
) -> None:
    course = make_course()
    with closing(Client(server, course, token(course.user_id))) as client:
        client.next()
        wait_until(lambda: open_streams(server) == 1)
    wait_until(lambda: open_streams(server) == 0, 3)


def test_a_stream_holds_no_thread(
    server: Server, clean: None, make_course: MakeCourse, token: MakeToken, wait_until: WaitUntil
) -> None:
    (process,) = psutil.Process(server.process.pid).children(recursive=True)
    courses = [make_course() for _ in range(5)]
    with following(server, token, courses[:1]):
        threads = process.num_threads()
        with following(server, token, courses, each=10):
            assert process.num_threads() <= threads + 1


def test_a_server_that_stops_ends_them_in_good_order(
    start_server: StartServer, clean: None, make_course: MakeCourse, token: MakeToken, wait_until: WaitUntil
) -> None:
    server = start_server(API_THREADS="1")
    wait_until(lambda: server.status("/readyz") == 200)
    courses = [make_course() for _ in range(3)]
    with following(server, token, courses) as clients:
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 3
        for _, client in clients:
            assert list(client.blocks) == []  # and the body's end was sent, else reading would have raised
    assert not any("refused to gracefully stop" in line for line in server.lines)
