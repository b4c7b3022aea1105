"""The examples of clients as a developer runs them against `make run`: each starts a generation and reports its end."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from stack.examples import OwnedCourse, create_course
from stack.services import Stack
from tests.acceptance.clients.npm import CLIENTS, needs


class Delivery(NamedTuple):
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def course(stack: Stack) -> OwnedCourse:
    return create_course(stack.database_url, stack.secret, "PREMIUM")


def run(stack: Stack, course: OwnedCourse, command: list[str], cwd: Path, **more: str) -> list[str]:
    """The lines that the client printed; it ended well."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"API": stack.api.url, "TOKEN": course.token, "COURSE_ID": str(course.id), "SLUG": course.slug}
    environment |= {"WEBHOOK_SECRET": stack.webhook_secret, **more}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.splitlines()


def was_told_the_end(lines: list[str]) -> bool:
    shown = [line for line in lines if not line.startswith("webhook")]  # the first may come before the response
    return shown[0].startswith("started ") and lines[-1] == "completed" and "webhook verified: completed 100 %" in lines


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "python/generate.py"], id="python"),
        pytest.param(["php", "php/generate.php"], id="php", marks=needs("php")),
        pytest.param(["ruby", "ruby/generate.rb"], id="ruby", marks=needs("ruby")),
    ],
)
@pytest.mark.slow
def test_a_client_generates_a_course_and_verifies_its_webhooks(
    stack: Stack, course: OwnedCourse, command: list[str]
) -> None:
    for _ in range(2):  # the same course again is another request
        assert was_told_the_end(run(stack, course, command, CLIENTS))


@needs("npm")
@pytest.mark.parametrize("program", ["fetch", "trpc"])
@pytest.mark.slow
def test_a_typescript_client_does_so_too(stack: Stack, course: OwnedCourse, node_folder: Path, program: str) -> None:
    for _ in range(2):
        assert was_told_the_end(run(stack, course, ["node", "--import", "tsx", f"{program}.ts"], node_folder))


@needs("npm")
@pytest.mark.slow
def test_the_typescript_clients_have_sound_types(node_folder: Path) -> None:
    subprocess.run(["npm", "run", "--silent", "check"], cwd=node_folder, timeout=100, check=True)


def test_curl_generates_a_course_and_openssl_verifies_its_webhooks(stack: Stack, course: OwnedCourse) -> None:
    deliveries: list[Delivery] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            deliveries.append(Delivery({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_port}/"
        run(stack, course, ["./generate.sh"], CLIENTS / "curl", WEBHOOK_URL=url)
        lines = run(stack, course, ["./generate.sh"], CLIENTS / "curl", WEBHOOK_URL=url)
        receiver.shutdown()
    assert '"success"' in lines[0]
    assert lines[-1] == "completed"

    assert verified(stack, deliveries[0])
    assert not verified(stack, deliveries[0]._replace(body=deliveries[0].body + b" "))
    assert not verified(stack, deliveries[0]._replace(headers=deliveries[0].headers | {"webhook-timestamp": "1"}))


def verified(stack: Stack, delivery: Delivery) -> bool:
    signed = [delivery.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
    environment = os.environ | {"WEBHOOK_SECRET": stack.webhook_secret}
    done = subprocess.run(
        [str(CLIENTS / "curl" / "verify.sh"), *signed],
        input=delivery.body,
        env=environment,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
