"""How the API's processes end: together, and without losing what they hold."""

import json
import socket
import time
from contextlib import ExitStack, closing, suppress
from datetime import datetime

import psutil
import pytest

from app.generation.events import EventType
from stack.server import HOST
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse, MakeToken
from tests.integration.generation.proxy import Fault, proxied
from tests.integration.http.conftest import Conn
from tests.integration.http.sse import Client
from tests.integration.server.wire import GENERATE, connect, head, is_closed, json_head, read_answer
from tests.integration.serving import Server, StartServer


@pytest.fixture
def server(start_server: StartServer, wait_until: WaitUntil) -> Server:
    server = start_server(API_PROCESSES="2")
    wait_until(lambda: server.status("/readyz") == 200)
    return server


def children(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children(recursive=True)


def test_server_processes_end_with_the_main_one(server: Server) -> None:
    processes = children(server)
    server.process.kill()
    server.process.wait(10)
    assert psutil.wait_procs(processes, timeout=15)[1] == []
    assert server.status("/livez") is None


def test_a_server_process_that_dies_is_replaced(start_server: StartServer, wait_until: WaitUntil, conn: Conn) -> None:
    server = start_server(API_PROCESSES="2", HEARTBEAT_S="0.2")

    def registered(after: datetime | None = None) -> set[int]:
        query = "select process, seen_at from coursegen.processes where kind = 'api'"
        rows = conn.execute(query).fetchall()
        return {int(row["process"].split(":")[1]) for row in rows if after is None or row["seen_at"] > after}

    wait_until(lambda: len(registered()) == 2)
    before = children(server)
    assert registered() == {process.pid for process in before}
    before[0].kill()
    wait_until(lambda: len({*children(server)} - {*before}) == 1)
    wait_until(lambda: all(server.status("/livez") == 200 for _ in range(20)))
    now = conn.execute("select now() as now").fetchall()[0]["now"]
    wait_until(lambda: len(registered(after=now)) == 2)  # the dead one gives no more signs
    assert server.stop() == 0
    assert registered() == {before[0].pid}


def test_server_processes_that_keep_dying_end_the_api(server: Server, wait_until: WaitUntil) -> None:
    def kill_all() -> bool:
        with suppress(psutil.NoSuchProcess):
            for process in children(server):
                process.kill()
        return server.process.poll() is not None

    wait_until(kill_all)
    assert server.process.wait() == 1
    assert server.status("/livez") is None


def test_a_second_api_on_the_port_does_not_start(server: Server, start_server: StartServer) -> None:
    second = start_server(PORT=str(server.port))
    assert second.process.wait(20) == 1
    assert second.lines == [f"The API can't listen on {HOST}:{server.port}: Address already in use.\n"]
    assert server.status("/livez") == 200
    assert server.stop() == 0


@pytest.mark.parametrize("host", ["::1", "localhost", "203.0.113.1"])
def test_other_addresses_are_served_or_refused_in_one_sentence(
    start_server: StartServer, wait_until: WaitUntil, host: str
) -> None:
    server = start_server(HOST=host)
    if host == "203.0.113.1":
        assert server.process.wait(20) == 1
        assert server.lines == [f"The API can't listen on {host}:{server.port}: Cannot assign requested address.\n"]
        return

    def answers() -> bool:
        try:
            with socket.create_connection((host, server.port), 5) as sock:
                sock.sendall(head("GET", "/livez"))
                return (answer := read_answer(sock)) is not None and answer.status == 200
        except OSError:
            return False

    wait_until(answers)
    assert server.stop() == 0


def test_a_stop_finishes_requests_ends_streams_and_writes_events(
    start_server: StartServer,
    clean: None,
    database_url: str,
    conn: Conn,
    make_course: MakeCourse,
    token: MakeToken,
    wait_until: WaitUntil,
) -> None:
    active, fresh, watched = make_course(), make_course(), make_course()
    with proxied(database_url) as proxy:
        server = start_server(DATABASE_URL=proxy.url, SHUTDOWN_GRACE_S="10")
        wait_until(lambda: server.status("/readyz") == 200)
        authorization = ("Authorization", f"Bearer {token(active.user_id)}")
        body = json.dumps({"courseId": str(active.id)}).encode()
        headers = [authorization, ("Content-Type", "application/json")]
        assert server.call("POST", GENERATE, body, headers)[0] == 200
        wait_until(lambda: not events(conn))
        with closing(Client(server, watched, token(watched.user_id))) as client, connect(server) as idle:
            assert client.next().name == "progress"
            answers: list[int] = []
            fresh_body = json.dumps({"courseId": str(fresh.id)}).encode()
            with connect(server) as slow:  # its body is under way when the stop begins
                slow.sendall(json_head(GENERATE, token(fresh.user_id), f"Content-Length: {len(fresh_body)}"))
                slow.sendall(fresh_body[:10])
                idle.sendall(head("GET", "/livez"))
                assert read_answer(idle) is not None
                assert server.call("POST", GENERATE, body, headers)[0] == 409  # raises an event
                server.process.terminate()
                assert is_closed(idle, 5)
                slow.sendall(fresh_body[10:])
                answer = read_answer(slow)
                assert answer is not None
                answers.append(answer.status)
            assert list(client.blocks) == []
        assert server.process.wait(20) == 0
    assert answers == [200]
    assert events(conn) == [EventType.DUPLICATE_JOB_DETECTED.value]


def events(conn: Conn) -> list[str]:
    return [row["event_type"] for row in conn.execute("select event_type::text from system_metrics order by 1")]


def test_a_stop_ends_in_time_though_the_database_hangs_and_a_client_does_not_read(
    start_server: StartServer, database_url: str, wait_until: WaitUntil
) -> None:
    with proxied(database_url) as proxy, socket.socket() as deaf, ExitStack() as stack:
        server = start_server(DATABASE_URL=proxy.url, SHUTDOWN_GRACE_S="6")
        wait_until(lambda: server.status("/readyz") == 200)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((HOST, server.port))
        deaf.sendall(head("GET", "/openapi.json") * 100)
        proxy.arm(b"transaction_read_only", Fault.FREEZE, times=1000)
        hung = stack.enter_context(connect(server))
        hung.sendall(head("GET", "/readyz"))
        wait_until(lambda: server.status("/livez") == 200)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 9
