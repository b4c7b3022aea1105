"""The production server as a process of its own: it starts, serves, refuses and ends."""

import json
import os
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


def test_each_process_has_a_cpu_of_its_own_where_there_are_as_many(
    start_server: StartServer, wait_until: WaitUntil
) -> None:
    allowed = os.sched_getaffinity(0)
    few = set(sorted(allowed)[:2])
    os.sched_setaffinity(0, few)  # which the servers inherit
    try:
        pinned, free, more = (
            start_server(API_PROCESSES=str(processes), API_AFFINITY=affinity)
            for processes, affinity in [(len(few), "auto"), (len(few), "none"), (len(few) + 1, "auto")]
        )
    finally:
        os.sched_setaffinity(0, allowed)

    def cpus(server: Server) -> list[set[int]]:
        assert server.status("/livez") == 200
        children = psutil.Process(server.process.pid).children()
        return sorted((set(os.sched_getaffinity(child.pid)) for child in children), key=sorted)

    wait_until(lambda: all(server.status("/readyz") == 200 for server in (pinned, free, more)))
    assert cpus(pinned) == [{cpu} for cpu in sorted(few)]
    assert cpus(free) == [few] * len(few)
    assert cpus(more) == [few] * (len(few) + 1)
    dead, *_ = psutil.Process(pinned.process.pid).children()
    dead.kill()
    wait_until(lambda: dead.pid not in [child.pid for child in psutil.Process(pinned.process.pid).children()])
    wait_until(lambda: len(psutil.Process(pinned.process.pid).children()) == len(few))
    assert cpus(pinned) == [{cpu} for cpu in sorted(few)]


def test_no_thread_of_it_interrupts_the_one_that_woke_it(server: Server) -> None:
    assert server.status("/livez") == 200
    processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children()]
    serving = [thread.id for process in processes for thread in process.threads()]
    assert {os.sched_getscheduler(thread) for thread in serving} == {os.SCHED_BATCH}


def test_every_line_it_says_is_one_json_object(server: Server) -> None:
    assert server.status("/livez") == 200
    assert server.lines
    for line in server.lines:
        assert json.loads(line).keys() >= {"timestamp", "level", "message", "service", "environment", "version"}


def test_head_and_options_are_answered_on_the_wire_as_they_are_meant(
    server: Server, clean: None, make_course: MakeCourse, token: MakeToken
) -> None:
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
    assert said.startswith("The database is not migrated. Run `coursegen migrate`")
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
