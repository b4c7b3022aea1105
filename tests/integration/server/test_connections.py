"""Connections that say nothing, too much or too slowly, and clients that do not read."""

import json
import resource
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import psutil
import pytest
import requests

from stack.server import HOST
from tests.conftest import WaitUntil
from tests.integration.factories import MakeToken
from tests.integration.server.wire import (
    GENERATE,
    INITIATE,
    connect,
    head,
    is_closed,
    json_head,
    many,
    read_all,
    read_answer,
    send,
)
from tests.integration.serving import Server, StartServer

LIVEZ = head("GET", "/livez")


@pytest.mark.parametrize("request_", [b"", LIVEZ[:-2], LIVEZ], ids=["silent", "half a head", "kept alive"])
def test_two_thousand_and_more_connections_leave_the_others_served(server: Server, request_: bytes) -> None:
    with many(server, 2500, request_) as sockets:
        for _ in range(5):
            assert server.status("/livez") == 200
        if request_ == LIVEZ:
            answer = read_answer(sockets[-1])
            assert answer is not None
            sockets[-1].sendall(LIVEZ)
        elif request_:
            sockets[-1].sendall(b"\r\n")
        else:
            sockets[-1].sendall(LIVEZ)
        answer = read_answer(sockets[-1])  # only those that have been idle longest were closed
        assert answer is not None
        assert answer.status == 200


def test_an_idle_connection_outlives_a_load_balancer_s(start_server: StartServer, wait_until: WaitUntil) -> None:
    server = start_server(KEEP_ALIVE_S="2")
    wait_until(lambda: server.status("/readyz") == 200)
    with connect(server) as silent, connect(server) as used:
        for _ in range(3):
            used.sendall(LIVEZ)
            answer = read_answer(used)
            assert answer is not None
            assert answer.status == 200
            time.sleep(1)
        assert is_closed(silent, 5)
        assert is_closed(used, 5)


@pytest.mark.xdist_group("waits")
@pytest.mark.slow
def test_a_head_that_drips_is_cut_off(server: Server) -> None:
    with ThreadPoolExecutor() as threads:
        for lasted in threads.map(lambda drip: drip_into(server, drip), [b"x", b"\r\n"]):
            assert 8 < lasted < 20


def drip_into(server: Server, drip: bytes) -> float:
    """The seconds for which the server reads these bytes of a header, or before a head, again and again."""
    with connect(server) as sock:
        began = time.monotonic()
        sock.sendall(LIVEZ)
        assert read_answer(sock) is not None
        if drip == b"x":
            sock.sendall(LIVEZ[:-2] + b"X: ")
        sock.settimeout(0.5)
        while time.monotonic() - began < 20:
            try:
                sock.sendall(drip)
                if sock.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        return time.monotonic() - began


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (head("GET", "/livez", "X: " + "x" * 300_000), 431, "request_header_fields_too_large"),
        (head("GET", "/livez", *(f"X{n}: {'x' * 100}" for n in range(3000))), 431, "request_header_fields_too_large"),
        (head("GET", "/" + "x" * 300_000), 414, "uri_too_long"),
        (head("GET", "/" + "x" * 70_000), 414, "uri_too_long"),
        (head("GET", "/trpc/generation.status?input=" + "x" * 70_000), 414, "uri_too_long"),
        (head("GET", "/trpc/generation.status?input=" + "x" * 300_000), 414, "uri_too_long"),
        (b"nonsense\r\n\r\n", 400, "bad_request"),
    ],
    ids=["header", "headers", "path", "shorter path", "tRPC", "longer tRPC", "nonsense"],
)
def test_what_is_too_long_or_no_http_gets_an_error_of_the_contract(
    server: Server, request_: bytes, status: int, code: str
) -> None:
    answer = send(server, request_)
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    if b" /trpc" in request_:
        assert answer.json["error"]["data"]["reason"] == code
    else:
        assert answer.json.keys() == {"error", "code", "requestId"}
        assert answer.json["code"] == code


def test_a_body_that_is_too_large_gets_an_answer_that_ordinary_clients_read(server: Server, token: MakeToken) -> None:
    headers = {"Authorization": f"Bearer {token(uuid4())}", "Content-Type": "application/json"}
    url = f"http://{HOST}:{server.port}"
    for path in (GENERATE, INITIATE):
        for data in (b"x" * 5_000_000, iter([b"x" * 100_000] * 50)):
            response = requests.post(url + path, data=data, headers=headers, timeout=10)
            assert response.status_code == 413
    with connect(server) as sock:  # one that sends all before it reads
        sock.sendall(json_head(GENERATE, token(uuid4()), "Content-Length: 5000000"))
        for _ in range(50):
            sock.sendall(b"x" * 100_000)
            time.sleep(0.01)
        answer = read_answer(sock)
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_a_client_that_asks_first_is_told_without_its_body(server: Server, token: MakeToken) -> None:
    for length, expected in ((5_000_000, 413), (20, 100)):
        with connect(server) as sock:
            sock.sendall(json_head(GENERATE, token(uuid4()), f"Content-Length: {length}", "Expect: 100-continue"))
            answer = read_answer(sock)
            assert answer is not None
            assert answer.status == expected
            if expected == 100:
                sock.sendall(b'{"courseId": "x"}   ')
                answer = read_answer(sock)
                assert answer is not None
                assert (answer.status, answer.json["code"]) == (400, "invalid_field")


def test_an_endless_body_is_cut_off(server: Server, token: MakeToken) -> None:
    began = time.monotonic()
    with connect(server) as sock:
        sock.sendall(json_head(GENERATE, token(uuid4()), "Transfer-Encoding: chunked"))
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 30:
                sock.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    assert time.monotonic() - began < 20


def test_pipelined_requests_are_answered_in_order(server: Server, token: MakeToken) -> None:
    body = json.dumps({"courseId": "x"}).encode()
    post = json_head(GENERATE, token(uuid4()), f"Content-Length: {len(body)}") + body
    with connect(server) as sock:
        sock.sendall(LIVEZ + post + head("GET", "/nowhere") + LIVEZ)
        data = b""
        while data.count(b"HTTP/1.1 ") < 4:
            data += sock.recv(65536)
    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400", b"404", b"200"]


def test_nonsense_after_a_request_is_not_answered_in_its_place(server: Server) -> None:
    with connect(server) as sock:
        sock.sendall(head("GET", "/readyz") + b"nonsense\r\n\r\n")
        answer = read_answer(sock)
        assert answer is None or answer.status == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json"])
def test_a_client_that_has_said_all_and_closes_its_side_gets_its_answers(server: Server, path: str) -> None:
    for count in (1, 3):
        with connect(server) as sock:
            sock.sendall(head("GET", path) * count)
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock).count(b"HTTP/1.1 200 ") == count


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (json_head(INITIATE, None, "Content-Length: 99") + b"{", 400, "bad_request"),
        (json_head(INITIATE, None, "Transfer-Encoding: chunked") + b"ZZZ\r\n", 400, "bad_request"),
        (json_head(f"{INITIATE}?x={'x' * 70_000}", None), 414, "uri_too_long"),
        (json_head(INITIATE, None, f"X: {'x' * 300_000}"), 431, "request_header_fields_too_large"),
    ],
    ids=["not whole", "no chunk", "target", "header"],
)
def test_a_procedure_s_request_that_is_no_http_gets_that_error_and_no_other(
    server: Server, request_: bytes, status: int, code: str
) -> None:
    with connect(server) as sock:
        sock.sendall(request_)
        sock.shutdown(socket.SHUT_WR)
        answer = read_answer(sock)
    assert answer is not None
    assert answer.status == status
    data = answer.json["error"]["data"]
    assert data["reason"] == code
    assert data["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", [GENERATE, INITIATE])
def test_bodies_that_never_come_leave_room_for_others(server: Server, path: str) -> None:
    with many(server, 2500, json_head(path, None, "Content-Length: 60000") + b"{"):
        for _ in range(5):
            assert server.status("/livez") == 200


def test_responses_that_are_not_read_leave_room_for_others(start_server: StartServer, wait_until: WaitUntil) -> None:
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    (process,) = psutil.Process(server.process.pid).children()
    process.rlimit(resource.RLIMIT_NOFILE, (160, 160))  # so 80 connections take all the room
    with ExitStack() as stack:
        for _ in range(100):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect((HOST, server.port))
            sock.sendall(head("GET", "/openapi.json") * 90)
        wait_until(lambda: server.status("/livez") == 200, 15)  # until then the server makes the responses
        for _ in range(5):
            assert server.status("/livez") == 200


def test_a_client_that_sends_on_and_on_before_it_reads_is_cut_off(server: Server) -> None:
    with connect(server) as sock:
        sock.sendall(LIVEZ * 1000)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).count(b"HTTP/1.1 200 ") <= 100
    assert server.status("/livez") == 200
