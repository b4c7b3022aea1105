"""Live events pass proxies that compress what they forward."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from stack.server import HOST, free_port
from tests.acceptance.clients.npm import ENVIRONMENT, install, needs
from tests.conftest import WaitUntil
from tests.integration.factories import insert_course
from tests.integration.http.conftest import Conn, change_step
from tests.integration.http.sse import Client
from tests.integration.serving import Server, StartServer
from tests.tokens import make_claims, sign

HERE = Path(__file__).parent

pytestmark = needs("npm")


@pytest.fixture(scope="module")
def server(start_server: StartServer, wait_until: WaitUntil) -> Server:
    server = start_server()
    wait_until(lambda: server.status("/readyz") == 200)
    return server


@contextmanager
def proxying(folder: Path, server: Server, *program: str) -> Iterator[Server]:
    """The program of Node, listening at a port in front of the server."""
    port = free_port()
    environment = ENVIRONMENT | {"API": f"http://{HOST}:{server.port}", "PORT": str(port), "HOSTNAME": HOST}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["node", *program], cwd=folder, env=environment, stdout=log, stderr=log, text=True, process_group=0
        )
    try:
        yield Server(process, port)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_express(server: Server, conn: Conn, tmp_path: Path, wait_until: WaitUntil) -> None:
    folder = install(HERE / "express", tmp_path / "express")
    with proxying(folder, server, "proxy.mjs") as proxy:
        check_passage(proxy, conn, wait_until)


@pytest.mark.clients
@pytest.mark.timeout(400)
def test_rewrites_of_next(server: Server, conn: Conn, tmp_path: Path, wait_until: WaitUntil) -> None:
    folder = install(HERE / "next", tmp_path / "next")
    program = "node_modules/next/dist/bin/next"
    environment = ENVIRONMENT | {"API": f"http://{HOST}:{server.port}", "NEXT_TELEMETRY_DISABLED": "1"}
    subprocess.run(["node", program, "build"], cwd=folder, env=environment, timeout=200, check=True)
    with proxying(folder, server, program, "start", "--hostname", HOST) as proxy:
        check_passage(proxy, conn, wait_until)


def check_passage(proxy: Server, conn: Conn, wait_until: WaitUntil) -> None:
    """Each event passes before the next one is sent, though everything else is compressed."""
    wait_until(lambda: proxy.status("/livez") == 200, within_s=60)
    with closing(HTTPConnection(HOST, proxy.port, timeout=10)) as connection:
        connection.request("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"})
        assert connection.getresponse().headers["Content-Encoding"] == "gzip"
    course = insert_course(conn)
    token = sign(make_claims(course.user_id))
    with closing(Client(proxy, course, token, {"Accept-Encoding": "gzip"})) as client:
        assert client.next().body["courseId"] == str(course.id)
        for step in (1, 2):
            change_step(conn, course, step)
            assert client.next().body["generationProgress"]["current_step"] == step
