"""The production server as a process: how it starts, serves, refuses and ends."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from uuid import uuid4

import psutil
import pytest

from app.database.migrations import migrate
from stack.postgres import PostgresServer
from stack.server import HOST
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.generation.proxy import Fault, Proxy
from tests.integration.serving import Server, StartServer


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


def test_every_log_line_is_one_json_object(server: Server) -> None:
    assert server.status("/livez") == 200
    assert server.lines
    for line in server.lines:
        assert json.loads(line).keys() >= {"timestamp", "level", "message", "service", "environment", "version"}


def test_head_and_options_on_the_wire(server: Server, clean: None, make_course: MakeCourse, token: MakeToken) -> None:
    course = make_course()
    headers = {"Authorization": f"Bearer {token(course.user_id)}", "X-Request-ID": "one"}
    with closing(HTTPConnection(HOST, server.port, timeout=10)) as connection:  # one for all: none leaves a rest behind

        def ask(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            said = {name.lower(): value for name, value in response.getheaders() if name.lower() != "date"}
            return response.status, said, response.read()

        for path in (f"/api/courses/{course.slug}/check-status", "/readyz", "/nowhere"):
            (status, said, body), head = ask("GET", path), ask("HEAD", path)
            assert head == (status, said, b"")
            assert said["content-length"] == str(len(body))
        status, said, body = ask("OPTIONS", "/api/coursegen/generate")
        assert (status, set(said["allow"].split(", ")), body) == (200, {"POST", "OPTIONS"}, b"")


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
def test_a_body_of_ten_megabytes_gets_a_response(
    server: Server, clean: None, token: MakeToken, method: str, path: str, status: int
) -> None:
    headers = [("Authorization", f"Bearer {token(uuid4())}"), ("Content-Type", "application/json")]
    body = b'{"courseId": "' + b"a" * 10_000_000 + b'"}'
    answered, answer = server.call(method, path, body, headers)
    assert answered == status
    assert status == 200 or answer.keys() == {"error", "code", "requestId"}
    assert server.status("/readyz") == 200


def test_garbage_does_not_end_the_server(server: Server) -> None:
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


def test_sigterm_ends_the_server_and_its_processes(start_server: StartServer, wait_until: WaitUntil) -> None:
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


def test_bad_settings_stop_the_start_with_one_message(start_server: StartServer, wait_until: WaitUntil) -> None:
    server = start_server(DATABASE_URL=None, JWT_SECRET="hunter2", PORT="http")
    said = lines_after(server, wait_until, 4)
    assert said[0] == "The environment is not usable:"
    assert [line.split(":")[0].strip() for line in said[1:]] == ["DATABASE_URL", "JWT_SECRET", "PORT"]
    assert "hunter2" not in str(said)


def test_an_unmigrated_database_stops_the_start_with_the_command_to_run(
    start_server: StartServer, empty_database_url: str, wait_until: WaitUntil
) -> None:
    server = start_server(DATABASE_URL=empty_database_url)
    (said,) = lines_after(server, wait_until, 1)
    assert said.startswith("The database is not migrated: run `coursegen migrate`")
    assert said.endswith(" more")


def test_the_server_starts_without_the_database_and_becomes_ready_with_it(
    start_server: StartServer, wait_until: WaitUntil
) -> None:
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


def test_a_used_port_stops_the_start(start_server: StartServer) -> None:
    with socket.create_server((HOST, 0)) as taken:
        server = start_server(PORT=str(taken.getsockname()[1]))
        assert server.process.wait(20) != 0


def test_idle_connections_do_not_block_new_ones(server: Server) -> None:
    with ExitStack() as idle:
        for _ in range(300):
            connection = idle.enter_context(closing(HTTPConnection(HOST, server.port, timeout=10)))
            connection.request("GET", "/livez")
            assert connection.getresponse().read()
        assert server.status("/livez") == 200


def test_a_hanging_database_does_not_queue_requests(
    start_server: StartServer, wait_until: WaitUntil, database_url: str
) -> None:
    with closing(Proxy(database_url)) as proxy, ThreadPoolExecutor(12) as clients:
        server = start_server(DATABASE_URL=proxy.url, API_THREADS="2")
        wait_until(lambda: server.status("/readyz") == 200)
        proxy.arm(b"transaction_read_only", Fault.FREEZE, times=1000)
        began = time.monotonic()
        assert set(clients.map(lambda _: server.status("/readyz"), range(12))) == {503}
        assert time.monotonic() - began < 5.5
        proxy.arm(b"", Fault.FREEZE, times=0)
        wait_until(lambda: server.status("/readyz") == 200)
