"""A client that sends its body slowly, or never, holds up nobody; and what did not come whole is not acted on."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import pytest

from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.http.conftest import Conn
from tests.integration.server.wire import GENERATE, INITIATE, Answer, connect, json_head, many, read_answer, send
from tests.integration.serving import Server

WHOLE_S = 5.0
ROUTES = [GENERATE, INITIATE, f"{INITIATE}?batch=1"]
BEGINNINGS = {
    "length": (["Content-Length: 60000"], b'{"courseId": "'),
    "length, no byte": (["Content-Length: 60"], b""),
    "chunked": (["Transfer-Encoding: chunked"], b'e\r\n{"courseId": "\r\n'),
    "within a chunk": (["Transfer-Encoding: chunked"], b"ffff\r\n{"),
}


@contextmanager
def dripping(sockets: list[socket.socket], byte: bytes, pause_s: float = 0.5) -> Iterator[None]:
    """Each connection sends that byte again and again."""
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(pause_s):
            for sock in sockets:
                with suppress(OSError):  # the server has answered and closed
                    sock.send(byte)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def assert_is_408(answer: Answer | None, path: str) -> None:
    assert answer is not None
    assert answer.status == 408
    body = answer.json[0] if isinstance(answer.json, list) else answer.json
    if path.startswith("/trpc"):
        assert body["error"]["data"]["code"] == "TIMEOUT"
        assert body["error"]["data"]["reason"] == "request_timeout"
    else:
        assert body.keys() == {"error", "code", "requestId"}
        assert body["code"] == "request_timeout"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("has_token", [True, False])
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_body_that_does_not_come_is_a_408_in_time(
    server: Server, token: MakeToken, path: str, has_token: bool, beginning: str
) -> None:
    headers, body = BEGINNINGS[beginning]
    request = json_head(path, token(uuid4()) if has_token else None, *headers) + body
    began = time.monotonic()
    assert_is_408(send(server, request), path)
    assert time.monotonic() - began < WHOLE_S


@pytest.mark.parametrize("drips", [False, True])
def test_two_hundred_slow_bodies_hold_up_nobody(server: Server, token: MakeToken, drips: bool) -> None:
    request = json_head(GENERATE, token(uuid4()), "Content-Length: 60000") + b"{"
    began = time.monotonic()
    with many(server, 200, request) as sockets, dripping(sockets if drips else [], b" "):
        slowest = 0.0
        while time.monotonic() - began < WHOLE_S:
            asked = time.monotonic()
            assert server.status("/livez") == 200
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.05)
        for sock in sockets:
            assert_is_408(read_answer(sock), GENERATE)
    assert slowest < 0.5


def cut_body(body: bytes) -> bytes:
    return json_head(GENERATE, "{token}", f"Content-Length: {len(body) + 50}") + body


def cut_chunks(body: bytes) -> bytes:
    return json_head(GENERATE, "{token}", "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "make",
    [
        cut_body,
        cut_chunks,
        lambda body: cut_chunks(body) + b"ZZZ\r\n",
        lambda body: cut_chunks(body) + b"5\r\nab",
        lambda body: cut_chunks(body) + b"0\r\nbad trailer\r\n\r\n",
        lambda body: cut_chunks(body) + b"0\r\n",
        lambda body: cut_chunks(body)[:-2] + b"XX0\r\n\r\n",
    ],
    ids=["length", "no last chunk", "no size", "within a chunk", "bad trailer", "no end", "no line end"],
)
def test_a_body_that_is_not_whole_starts_nothing(
    server: Server,
    clean: None,
    conn: Conn,
    make_course: MakeCourse,
    token: MakeToken,
    make: Callable[[bytes], bytes],
) -> None:
    course = make_course()
    request = make(json.dumps({"courseId": str(course.id)}).encode())
    with connect(server) as sock:
        sock.sendall(request.replace(b"{token}", token(course.user_id).encode()))
        sock.shutdown(socket.SHUT_WR)
        answer = read_answer(sock)
    assert answer is None or answer.status == 400
    assert server.status("/readyz") == 200
    assert conn.execute("select count(*) as n from coursegen.generations").fetchone() == {"n": 0}


def test_a_body_in_two_parts_and_one_in_chunks_with_trailers_are_acted_on(
    server: Server, clean: None, make_course: MakeCourse, token: MakeToken
) -> None:
    for chunked in (False, True):
        course = make_course()
        body = json.dumps({"courseId": str(course.id)}).encode()
        how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        if chunked:
            body = b"%x;ext=1\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(body), body)
        with connect(server) as sock:
            sock.sendall(json_head(GENERATE, token(course.user_id), how) + body[:20])
            time.sleep(0.2)
            sock.sendall(body[20:])
            answer = read_answer(sock)
            assert answer is not None
            assert answer.status == 200, answer
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = read_answer(sock)
            assert answer is not None
            assert answer.status == 200
