"""`make run` as a developer uses it: try it, break it, stop it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from standardwebhooks import Webhook

from stack.server import free_port
from tests.conftest import WaitUntil
from tests.receivers import receiving
from tests.unit.stack.processes import gone

ROOT = Path(__file__).resolve().parents[2]
TIERS = ["FREE", "BASIC", "STANDARD", "TRIAL", "PREMIUM"]

CHILDREN = [
    ("app.server",),
    ("coursegen", "stages"),
    ("coursegen", "upkeep"),
    ("coursegen", "webhooks"),
    ("valkey",),
    ("postgres", "data"),
]
# Loopback is never behind a proxy; the environment may name one.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Running:
    """A `make run` that is up: its process and what it printed."""

    process: subprocess.Popen[str]
    guide: str

    @property
    def url(self) -> str:
        return self.field(r"^API +(\S+)$")

    def field(self, pattern: str) -> str:
        """What the pattern's group matches in the guide."""
        match = re.search(pattern, self.guide, re.MULTILINE)
        assert match, self.guide
        return match[1]

    def child(self, *words: str) -> psutil.Process | None:
        """The living child whose command line has all these words."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                command = " ".join(child.cmdline())
                if all(word in command for word in words):
                    return child
        return None

    def request(self, path: str, token: str, body: object = None) -> dict[str, Any]:
        """The answer to a request that must succeed."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        with HTTP.open(urllib.request.Request(self.url + path, data, headers), timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def course(self, tier: str) -> tuple[str, str, str]:
        """The tier's token, course id and slug."""
        token = self.field(rf"^{tier}: .*\ntoken (\S+)$")
        slug = self.field(rf"^{tier}: .* course (\S+)$")
        course_id = self.field(rf"^{tier}: .*\n.*\n.*\"courseId\": \"([0-9a-f-]+)\"")
        return token, course_id, slug

    def generate(self, tier: str, wait_until: WaitUntil, **fields: str) -> None:
        """The tier's course was generated from start to end; `fields` go into the request."""
        token, course_id, slug = self.course(tier)
        assert self.request("/api/coursegen/generate", token, {"courseId": course_id, **fields})["success"] is True
        status = f"/api/courses/{slug}/check-status"
        wait_until(lambda: self.request(status, token)["currentStatus"] == "completed")

    def ready(self) -> bool:
        try:
            with HTTP.open(f"{self.url}/readyz", timeout=5) as response:
                return bool(json.load(response)["status"] == "ready")
        except (OSError, urllib.error.URLError):
            return False


@contextmanager
def start() -> Iterator[Running]:
    """The stack, up. What a failed test leaves running is stopped."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.run"],
        cwd=ROOT,
        env=environment | {"PORT": str(free_port()), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        lines = []
        for line in output:
            lines.append(line)
            if line.startswith("Ready."):
                break
        try:
            yield Running(process, "".join(lines))
        finally:
            process.terminate()
            output.read()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The stack that the tests share."""
    with start() as running:
        yield running


def test_run_prints_all_it_takes_to_try_it(running: Running, wait_until: WaitUntil) -> None:
    for tier in TIERS:
        assert running.course(tier)
    assert running.field(r"(postgresql://\S+)$")
    assert running.field(r"(redis://\S+)$")
    with receiving() as receiver:
        running.generate("FREE", wait_until, webhookUrl=receiver.url)
        messages = receiver.wait_for(9)
        secret = running.field(r"^webhooks +(\S+)$")
        told = [Webhook(secret).verify(message.body, message.headers)["status"] for message in messages]
        assert (told[0], told[-1]) == ("initializing", "completed")
    curl = running.field(r"^(curl .*check-status.*)$")
    if subprocess.run(["which", "curl"], capture_output=True, check=False).returncode == 0:
        shown = subprocess.run(f"{curl} --noproxy '*'", shell=True, capture_output=True, check=True).stdout
        assert json.loads(shown)["currentStatus"] == "completed"


@pytest.mark.slow
def test_a_process_that_dies_comes_back(running: Running, wait_until: WaitUntil) -> None:
    for words in CHILDREN:
        victim = running.child(*words)
        assert victim is not None, words
        victim.kill()
        wait_until(lambda: gone(victim))  # noqa: B023 - called at once
        wait_until(lambda: running.child(*words))  # noqa: B023
        wait_until(running.ready)
    running.generate("PREMIUM", wait_until)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_signal_stops_it_and_nothing_is_left(number: signal.Signals) -> None:
    with start() as running:
        children = psutil.Process(running.process.pid).children(recursive=True)
        folder = Path(running.field(r"^logs +(.+)$"))
        assert len(children) >= 5
        assert folder.is_dir()
        running.process.send_signal(number)
        assert running.process.wait(30) == 0
    assert [child for child in children if not gone(child)] == []
    assert not folder.exists()
