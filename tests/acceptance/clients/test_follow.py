"""`follow.ts` shows every change and the end, whatever happens to the service and to the connections."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from stack.server import HOST, free_port
from tests.acceptance.clients.npm import ENVIRONMENT, needs
from tests.conftest import WaitUntil
from tests.integration.factories import insert_course
from tests.integration.generation.proxy import Fault, proxied
from tests.integration.http.conftest import Conn, change_step
from tests.integration.serving import StartServer
from tests.tokens import make_claims, sign

HERE = Path(__file__).parent
#: More than there are requests.
ALWAYS = 10_000

pytestmark = [needs("npm"), pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(node_folder: Path) -> Path:
    for name in ("follow_driver.ts", "follow.test.ts"):
        shutil.copy(HERE / name, node_folder)
    return node_folder


def test_it_survives_restarts_lost_and_frozen_connections_and_polls_where_no_stream_passes(
    folder: Path, start_server: StartServer, conn: Conn, wait_until: WaitUntil
) -> None:
    port = str(free_port())
    server = start_server(PORT=port)
    course = insert_course(conn)
    token = sign(make_claims(course.user_id, "PREMIUM"))
    authorization = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]

    def serves() -> bool:
        return server.status("/readyz") == 200

    wait_until(serves)
    started = server.call("POST", "/api/coursegen/generate", f'{{"courseId": "{course.id}"}}'.encode(), authorization)
    assert started[0] == 200
    with proxied(f"http://{HOST}:{port}") as proxy:
        environment = ENVIRONMENT | {"API": proxy.url, "TOKEN": token, "COURSE": course.slug}
        command = ["node", "--import", "tsx", "follow_driver.ts"]
        output = folder / f"follow-{port}.log"
        with (
            output.open("wb") as log,
            subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT) as client,
        ):

            def shows(*expected: str) -> None:
                wait_until(lambda: output.read_text().split() == [*expected], within_s=40)

            try:
                # By streams alone, because no poll passes.
                proxy.arm(b"/check-status", Fault.CUT_BEFORE, times=ALWAYS)
                shows("20")
                change_step(conn, course, 2, "in_progress")
                shows("20", "30")
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
                change_step(conn, course, 2)
                server = start_server(PORT=port)
                wait_until(serves)
                shows("20", "30", "40")
                proxy.mute(new=False)
                change_step(conn, course, 3, "in_progress")
                shows("20", "30", "40", "50")
                # By polls alone, because every stream is held back.
                proxy.arm(b"/events", Fault.MUTE, times=ALWAYS)
                proxy.refuse()
                change_step(conn, course, 3)
                proxy.refuse(refusing=False)
                shows("20", "30", "40", "50", "60")
                assert server.call("POST", f"/api/courses/{course.id}/cancel", headers=authorization)[0] == 200
                assert client.wait(40) == 0
            finally:
                client.kill()
        assert output.read_text().split() == ["20", "30", "40", "50", "60", "60", "cancelled"]


def test_it_bears_what_services_and_proxies_seldom_answer(folder: Path) -> None:
    command = ["node", "--import", "tsx", "--test", "follow.test.ts"]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "# pass 11" in done.stdout
