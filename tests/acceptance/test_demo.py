"""`make demo` as a user sees it, on a terminal and elsewhere."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import WaitUntil

ROOT = Path(__file__).resolve().parents[2]
STEPS = ["Запуск генерации", "Обработка документов", "Генерация структуры", "Создание контента", "Финализация"]
DEMO = [sys.executable, "-m", "stack.demo"]
MARKER = "COURSE_DEMO_TEST"


@pytest.fixture
def environment(wait_until: WaitUntil) -> Iterator[dict[str, str]]:
    """An environment for the demo to start its own servers in. No process that had it is left after the test."""
    marker = uuid.uuid4().hex
    yield {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}} | {
        MARKER: marker,
        "PYTHONIOENCODING": "utf-8",
    }
    assert marked(marker) == []


@pytest.fixture
def checkout_unchanged() -> Iterator[None]:
    """The checkout holds the same files before and after the test, but for ignored ones."""
    before = git_status()
    yield
    assert git_status() == before


@pytest.mark.usefixtures("checkout_unchanged")
def test_demo_generates_a_course_and_leaves_nothing(environment: dict[str, str]) -> None:
    done = subprocess.run(DEMO, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_course_shown(done.stdout)
    assert "\x1b" not in done.stdout
    completed = [line for line in done.stdout.splitlines() if line.startswith("✓")]
    assert [line.split(" ", 2)[1] for line in completed] == ["1/5", "2/5", "3/5", "4/5", "5/5"]


@pytest.mark.slow
def test_demo_shows_a_live_bar_on_a_terminal(environment: dict[str, str]) -> None:
    status, output = run_on_terminal(environment | {"TERM": "xterm-256color"})
    assert status == 0, output
    assert_course_shown(output)
    assert "\x1b[" in output
    assert "100%" in output
    assert "━" in output


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("Starting", signal.SIGINT),
        ("Starting", signal.SIGTERM),
        ("The API is ready", signal.SIGTERM),
        ("✓ 1/5", signal.SIGINT),
    ],
)
@pytest.mark.slow
def test_an_interrupted_demo_leaves_nothing(environment: dict[str, str], moment: str, number: signal.Signals) -> None:
    demo = subprocess.Popen(
        DEMO, cwd=ROOT, env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert demo.stdout is not None
    with demo.stdout:
        next(line for line in demo.stdout if line.startswith(moment))
        demo.send_signal(number)
        demo.stdout.read()
    assert demo.wait(30) == 130


def test_demo_without_its_database_says_so_and_fails(environment: dict[str, str]) -> None:
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    done = subprocess.run(DEMO, cwd=ROOT, env=environment | away, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert "The demo failed: the database could not be migrated" in done.stderr
    assert "last lines of migrate.log" in done.stderr
    assert "Connection refused" in done.stderr


def assert_course_shown(output: str) -> None:
    for step in STEPS:
        assert step in output
    outline, _, draft = output.partition("The draft of lesson 1 begins:")
    assert len([line for line in outline.splitlines() if line.lstrip().partition(".")[0].isdigit()]) >= 4
    assert len([line for line in draft.splitlines() if "│ " in line]) >= 3


def run_on_terminal(environment: dict[str, str]) -> tuple[int, str]:
    """The demo's exit code and all it wrote to its terminal of 120 columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    demo = subprocess.Popen(DEMO, cwd=ROOT, env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    output = b""
    try:
        while chunk := os.read(ours, 65536):
            output += chunk
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(ours)
    return demo.wait(30), output.decode()


def marked(marker: str) -> list[str]:
    """The command lines of all processes with this marker in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == marker:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def git_status() -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
