"""The production server as a process of its own: it starts, serves, refuses and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psutil
import pytest

from app.migrations import migrate
from stack.postgres import PostgresServer
from stack.server import HOST, free_port
from tests.conftest import WaitUntil
from tests.tokens import SECRET

from .factories import MakeCourse, MakeToken
from .generation.proxy import Fault, Proxy

ROOT = Path(__file__).resolve().parents[2]
Headers = list[tuple[str, str]]


@dataclass
class Server:
    """The running process, where it listens, and all it has said."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: bytes = b"", headers: Headers | None = None) -> tuple[int, Any]:
        """The status and JSON body; headers are sent as they are given."""
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.putrequest(method, path)
            for name, value in headers or []:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            # Who is refused before all is sent finds the answer there all the same.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def status(self, path: str) -> int | None:
        """The status of a GET; None where nobody answers."""
        try:
            return self.call("GET", path)[0]
        except (OSError, HTTPException):
            return None

    def stop(self) -> int:
        """The exit code after a SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class StartServer(Protocol):
    def __call__(self, **environment: str | None) -> Server: ...


@pytest.fixture(scope="module")
def start_server(database_url: str, redis_url: str) -> Iterator[StartServer]:
    """A function that starts the server on a free port with the environment changed; None removes a variable."""
    servers: list[Server] = []
    readers: list[threading.Thread] = []

    def start(**environment: str | None) -> Server:
        port = free_port()
        usual = {
            # Coverage of subprocesses, where it is measured, is asked for by the environment.
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "JWT_SECRET": SECRET,
            "APP_ENV": "test",
            "HOST": HOST,
            "PORT": str(port),
            "API_PROCESSES": "1",
            "SHUTDOWN_GRACE_S": "5",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "app.server"],
            cwd=ROOT,
            env={name: value for name, value in {**usual, **environment}.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        server = Server(process, port)
        servers.append(server)
        readers.append(threading.Thread(target=read, args=[server]))
        readers[-1].start()
        return server

    def read(server: Server) -> None:
        assert server.process.stdout is not None
        with server.process.stdout as output:
            server.lines.extend(iter(output.readline, ""))

    yield start
    for server in servers:
        if server.process.poll() is None:
            parent = psutil.Process(server.process.pid)
            for process in [*parent.children(recursive=True), parent]:
                process.kill()
            server.process.wait()
    for reader in readers:
        reader.join(5)


@pytest.fixture(scope="module")
def server(start_server: StartServer, wait_until: WaitUntil) -> Server:
    """A server that is ready."""
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    return server


def test_it_serves_the_contract(
    server: Server, clean: None, make_course: MakeCourse, token: MakeToken, wait_until: WaitUntil
) -> None:
    course = make_course()
    authorization = ("Authorization", f"Bearer {token(course.user_id)}")
    body = json.dumps({"courseId": str(course.id)}).encode()
    headers = [authorization, ("Content-Type", "application/json"), ("X-Request-ID", "ask-1")]
    status, answer = server.call("POST", "/api/coursegen/generate", body, headers)
    assert (status, answer["message"]) == (200, "Генерация курса инициализирована")
    status, answer = server.call("GET", f"/api/courses/{course.slug}/check-status", headers=[authorization])
    assert (status, answer["currentStatus"]) == (200, "initializing")
    wait_until(lambda: any('"generation_admitted"' in line for line in server.lines), 5)
    (line,) = [json.loads(line) for line in server.lines if '"generation_admitted"' in line]
    assert (line["requestId"], line["courseId"], line["service"]) == ("ask-1", str(course.id), "api")


def test_every_line_it_says_is_one_json_object(server: Server) -> None:
    assert server.status("/livez") == 200
    assert server.lines
    for line in server.lines:
        assert json.loads(line).keys() >= {"timestamp", "level", "message", "service", "environment", "version"}


def test_two_authorization_headers_are_refused(server: Server, token: MakeToken) -> None:
    good = f"Bearer {token(uuid4())}"
    path = "/api/courses/unknown/check-status"
    assert server.call("GET", path, headers=[("Authorization", good)])[0] == 404
    for values in ((good, good), (good, "Bearer x"), ("Bearer x", good), ("Basic eA==", good), (good, "")):
        status, answer = server.call("GET", path, headers=[("Authorization", value) for value in values])
        assert (status, answer.get("code")) == (401, "unauthorized"), values


def test_errors_have_the_contract_s_shape_here_too(server: Server, token: MakeToken) -> None:
    headers = [("Authorization", f"Bearer {token(uuid4())}"), ("Content-Type", "application/json")]
    path = "/api/coursegen/generate"
    answers = {
        404: server.call("GET", "/nowhere"),
        405: server.call("PUT", path, headers=headers),
        413: server.call("POST", path, b'"' + b"a" * 200_000 + b'"', headers),
        400: server.call("POST", path, b"{", headers),
        401: server.call("POST", path, b"{}", headers[1:]),
        415: server.call("POST", path, b"{}", headers[:1]),
    }
    for status, (answered, body) in answers.items():
        assert answered == status
        assert body.keys() == {"error", "code", "requestId"}


def test_a_body_in_chunks_is_read_and_limited(server: Server, token: MakeToken) -> None:
    authorization = f"Authorization: Bearer {token(uuid4())}"

    def send(body: bytes) -> bytes:
        head = f"POST /api/coursegen/generate HTTP/1.1\r\nHost: x\r\n{authorization}\r\nConnection: close\r\n"
        head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:]) if part)
        with socket.create_connection((HOST, server.port), 10) as connection:
            connection.sendall(head.encode() + chunks + b"0\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(65536), b""))

    answer = send(json.dumps({"courseId": "x"}).encode())
    assert b" 400 " in answer.splitlines()[0]
    assert b"Invalid courseId format" in answer
    answer = send(b'{"courseId": "' + b"a" * 100_000 + b'"}')
    assert b" 413 " in answer.splitlines()[0], answer


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/coursegen/generate", 413),
        ("POST", "/api/courses/unknown/cancel", 404),
        ("GET", "/api/courses/unknown/check-status", 404),
        ("GET", "/livez", 200),
        ("POST", "/nowhere", 404),
    ],
)
def test_ten_megabytes_are_answered_and_the_server_goes_on(
    server: Server, clean: None, token: MakeToken, method: str, path: str, status: int
) -> None:
    headers = [("Authorization", f"Bearer {token(uuid4())}"), ("Content-Type", "application/json")]
    body = b'{"courseId": "' + b"a" * 10_000_000 + b'"}'
    answered, answer = server.call(method, path, body, headers)
    assert answered == status
    assert status == 200 or answer.keys() == {"error", "code", "requestId"}
    assert server.status("/readyz") == 200


def test_what_is_no_http_does_not_end_it(server: Server) -> None:
    for garbage in (
        b"\0" * 1000,
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01" + bytes(range(256)),
        b"A" * 100_000,
    ):
        with socket.create_connection((HOST, server.port), 10) as connection, suppress(ConnectionError):
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            assert not answer or answer.startswith(b"HTTP/1.1 4"), answer
    assert server.status("/readyz") == 200


def test_sigterm_ends_it_with_all_it_started(start_server: StartServer, wait_until: WaitUntil) -> None:
    server = start_server(API_PROCESSES="2")
    wait_until(lambda: server.status("/readyz") == 200)
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert len(children) >= 2
    assert server.stop() == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert server.status("/livez") is None


def lines_after(server: Server, wait_until: WaitUntil, count: int) -> list[str]:
    assert server.process.wait(20) == 1
    wait_until(lambda: len(server.lines) >= count, 5)
    return [line.rstrip("\n") for line in server.lines]


def test_bad_settings_are_one_clear_message(start_server: StartServer, wait_until: WaitUntil) -> None:
    server = start_server(DATABASE_URL=None, JWT_SECRET="hunter2", PORT="http")
    said = lines_after(server, wait_until, 4)
    assert said[0] == "The environment is not usable:"
    assert [line.split(":")[0].strip() for line in said[1:]] == ["DATABASE_URL", "JWT_SECRET", "PORT"]
    assert "hunter2" not in str(said)


def test_an_unmigrated_database_is_refused_with_what_to_run(
    start_server: StartServer, empty_database_url: str, wait_until: WaitUntil
) -> None:
    server = start_server(DATABASE_URL=empty_database_url)
    (said,) = lines_after(server, wait_until, 1)
    assert said.startswith("The database is not migrated. Run `make migrate`")
    assert "create_generations" in said


def test_a_database_that_is_away_is_waited_for(start_server: StartServer, wait_until: WaitUntil) -> None:
    database = PostgresServer(durable=True)
    try:
        with database:
            migrate(database.url)
            database.kill()
            server = start_server(DATABASE_URL=database.url)
            wait_until(lambda: server.status("/livez") == 200)
            assert server.status("/readyz") == 503
            database.start()
            wait_until(lambda: server.status("/readyz") == 200)
            assert server.stop() == 0
    finally:
        database.stop()


def test_a_port_that_is_taken_ends_it_with_an_error(start_server: StartServer) -> None:
    with socket.create_server((HOST, 0)) as taken:
        server = start_server(PORT=str(taken.getsockname()[1]))
        assert server.process.wait(20) != 0


def test_idle_connections_keep_nobody_out(server: Server) -> None:
    with ExitStack() as idle:
        for _ in range(300):
            connection = idle.enter_context(closing(HTTPConnection(HOST, server.port, timeout=10)))
            connection.request("GET", "/livez")
            assert connection.getresponse().read()
        assert server.status("/livez") == 200


def test_while_the_database_hangs_nobody_waits_for_those_before(
    start_server: StartServer, wait_until: WaitUntil, database_url: str
) -> None:
    with closing(Proxy(database_url)) as proxy, ThreadPoolExecutor(12) as clients:
        server = start_server(DATABASE_URL=proxy.url, API_THREADS="2")
        wait_until(lambda: server.status("/readyz") == 200)
        proxy.arm(b"select 1", Fault.FREEZE, times=1000)
        began = time.monotonic()
        assert set(clients.map(lambda _: server.status("/readyz"), range(12))) == {503}
        assert time.monotonic() - began < 5.5
        proxy.arm(b"", Fault.FREEZE, times=0)
        wait_until(lambda: server.status("/readyz") == 200)
