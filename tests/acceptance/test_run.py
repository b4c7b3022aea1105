"""`make run` as a developer uses it: try it, break it, stop it."""

import contextlib
import json
import os
import re
import shutil
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
    ("coursegen", "console"),
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

    def variables(self, tier: str) -> dict[str, str]:
        """Those of the tier's file."""
        file = Path(self.field(r"^  \. (.+)$")).with_name(tier)
        assert file.stat().st_mode & 0o777 == 0o600
        return dict(line.removeprefix("export ").split("=", 1) for line in file.read_text().splitlines())

    def generate(self, tier: str, wait_until: WaitUntil, **fields: str) -> None:
        """The tier's course was generated from start to end; `fields` go into the request."""
        its = self.variables(tier)
        body = {"courseId": its["COURSE_ID"], **fields}
        assert self.request("/api/coursegen/generate", its["TOKEN"], body)["success"] is True
        status = f"/api/courses/{its['SLUG']}/check-status"

        def is_completed() -> bool:
            try:
                return bool(self.request(status, its["TOKEN"])["currentStatus"] == "completed")
            except urllib.error.HTTPError as error:
                if error.code != 503:  # a poll may meet a connection of before a restart; the page asks again
                    raise
                return False

        wait_until(is_completed)

    def shell(self, script: str) -> str:
        """What the lines print, run in the checkout."""
        environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        done = subprocess.run(
            ["sh", "-ec", script], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

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
        env=environment | {"PORT": str(free_port()), "CONSOLE_PORT": str(free_port()), "PYTHONIOENCODING": "utf-8"},
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
        assert running.variables(tier)["API"] == running.url
    assert running.field(r"(postgresql://[^\s']+)'?$")
    assert running.field(r"(redis://\S+)$")
    with receiving() as receiver:
        running.generate("FREE", wait_until, webhookUrl=receiver.url)
        messages = receiver.wait_for(9)
        secret = running.variables("FREE")["WEBHOOK_SECRET"]
        told = [Webhook(secret).verify(message.body, message.headers)["status"] for message in messages]
        assert (told[0], told[-1]) == ("initializing", "completed")
    if shutil.which("curl"):
        lines = running.field(r"^(  \. .+)$") + "\n" + running.field(r"^(  curl .*check-status.*)$")
        assert json.loads(running.shell(f"{lines} --noproxy '*'"))["currentStatus"] == "completed"


def test_its_guide_is_short(running: Running) -> None:
    lines = running.guide.splitlines()
    assert len(lines) < 25
    assert [line for line in lines if len(line) > 160] == []
    assert "eyJ" not in running.guide


def test_its_links_sign_in_at_the_console_once(running: Running) -> None:
    first = running.field(r"^console +(\S+)$")
    another = running.shell(running.field(r"^(  \S*coursegen .* console-link .*)$")).strip()
    assert another.partition("?")[0] == first.partition("?")[0]
    for link in (first, another):
        with HTTP.open(link, timeout=10) as page:
            assert "coursegen_console=" in page.headers["Set-Cookie"]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            HTTP.open(link, timeout=10)


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
