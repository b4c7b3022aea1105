"""What is not quite HTTP, or not quite what the API reads."""

import gzip
import json
import socket
from contextlib import closing
from http.client import HTTPConnection
from uuid import uuid4

import pytest

from stack.server import HOST
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.server.wire import GENERATE, INITIATE, connect, head, json_head, read_answer, send
from tests.integration.serving import Server


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (head("GET", "/livez", host=None), 400, "bad_request"),
        (head("GET", "/livez", "Host: y"), 400, "bad_request"),
        (head("GET", "/livez", host="Host:"), 200, None),
        (head("GET", "/livez", host=None, version="1.0"), 200, None),
        (head("get", "/livez"), 400, "bad_request"),
        (head("Get", "/livez"), 400, "bad_request"),
        (head("GET", "/livez", version="3.0"), 400, "bad_request"),
        (head("POST", GENERATE, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 501, "not_implemented"),
        (head("POST", GENERATE, "Transfer-Encoding: gzip"), 400, "bad_request"),
        (head("POST", GENERATE, "Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n", 400, "bad_request"),
        (head("POST", GENERATE, "Content-Length: 5", "Content-Length: 6") + b"123456", 400, "bad_request"),
        (head("POST", GENERATE, "Content-Length: +5") + b"12345", 400, "bad_request"),
        (head("POST", GENERATE, "Content-Length: 0x5") + b"12345", 400, "bad_request"),
        (head("POST", GENERATE, "Content-Length: 5, 5") + b"12345", 400, "bad_request"),
        (head("POST", GENERATE, f"Content-Length: {'9' * 40}"), 400, "bad_request"),
        (head("POST", GENERATE, "Content-Length : 5") + b"12345", 400, "bad_request"),
        (head("GET", "/livez", "X: a", " folded"), 400, "bad_request"),
        (head("GET", "/livez", "X: a\rb"), 400, "bad_request"),
        (head("GET", "/livez", "X: a\0b"), 400, "bad_request"),
        (head("GET", "/li vez"), 400, "bad_request"),
        (head("GET", "http://other/livez"), 200, None),
        (b"\r\n\r\n" + head("GET", "/livez"), 200, None),
        (head("BREW", "/livez"), 400, "bad_request"),
    ],
    ids=str,
)
def test_what_http_forbids_is_rejected(server: Server, request_: bytes, status: int, code: str | None) -> None:
    answer = send(server, request_)
    assert answer is not None
    assert (answer.status, answer.json.get("code")) == (status, code)


def test_an_upgrade_is_ignored(server: Server, token: MakeToken) -> None:
    for to, path, status in (("h2c", GENERATE, 400), ("h2c", "/livez", 200), ("websocket", "/livez", 400)):
        body = b'{"courseId": "x"}' if path == GENERATE else b""
        headers = ["Connection: Upgrade", f"Upgrade: {to}", f"Content-Length: {len(body)}"]
        request = json_head(path, token(uuid4()), *headers)
        answer = send(server, (request if body else request.replace(b"POST", b"GET")) + body)
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (status, "close")


def test_old_clients_and_head_and_304_are_served(server: Server, make_course: MakeCourse, token: MakeToken) -> None:
    course = make_course()
    path = f"/api/courses/{course.slug}/check-status"
    authorization = f"Authorization: Bearer {token(course.user_id)}"
    with connect(server) as sock:
        sock.sendall(head("GET", path, authorization, version="1.0"))
        assert sock.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")
    with connect(server) as sock:
        sock.sendall(head("GET", path, authorization))
        full = read_answer(sock)
        assert full is not None
        sock.sendall(head("GET", path, authorization, f"If-None-Match: {full.headers['etag']}"))
        answer = read_answer(sock)
        assert answer is not None
        assert (answer.status, answer.body, "transfer-encoding" in answer.headers) == (304, b"", False)
        sock.sendall(head("HEAD", path, authorization) + head("GET", "/livez"))
        data = b""
        while b"200 OK" not in data.partition(b"\r\n\r\n")[2]:
            data += sock.recv(65536)
        assert data.startswith(b"HTTP/1.1 200")
        assert data.partition(b"\r\n\r\n")[2].startswith(b"HTTP/1.1 200")  # and no body of the first


@pytest.mark.parametrize("path", [GENERATE, INITIATE])
def test_a_body_may_begin_with_a_byte_order_mark_and_may_not_be_compressed(
    server: Server, clean: None, make_course: MakeCourse, token: MakeToken, path: str
) -> None:
    course = make_course()
    headers = [("Authorization", f"Bearer {token(course.user_id)}"), ("Content-Type", "application/json")]
    body = json.dumps({"courseId": str(course.id)}).encode()
    status, answer = server.call("POST", path, gzip.compress(body), [*headers, ("Content-Encoding", "gzip")])
    code = answer["error"]["data"]["reason"] if path == INITIATE else answer["code"]
    assert (status, code) == (415, "unsupported_content_encoding")
    assert server.call("POST", path, b"\xef\xbb\xbf" + body, [*headers, ("Content-Encoding", "identity")])[0] == 200


def test_header_names_with_underscores_are_not_taken_for_others(server: Server, token: MakeToken) -> None:
    authorization = ("Authorization", f"Bearer {token(uuid4())}")
    status, answer = server.call("GET", "/nowhere", headers=[authorization, ("X_Request_ID", "spoofed")])
    assert status == 404
    assert answer["requestId"] != "spoofed"


def test_blanks_around_a_value_are_not_part_of_it(server: Server, wait_until: WaitUntil) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    request = head("GET", "/nowhere", "X-Request-ID: \t one \t", f"Traceparent:00-{trace}-b7ad6b7169203331-01  ")
    answer = send(server, request)
    assert answer is not None
    assert answer.json["requestId"] == "one"
    wait_until(lambda: any(trace in line for line in server.lines))


def test_a_client_that_leaves_is_not_missed(server: Server) -> None:
    for _ in range(20):
        with connect(server) as sock:
            sock.sendall(head("GET", "/readyz"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with closing(HTTPConnection(HOST, server.port, timeout=10)) as connection:
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
    assert not [line for line in server.lines if '"level":"error"' in line]
