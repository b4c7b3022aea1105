"""The supervisor: what dies comes back, what is stopped is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tasks.supervision.supervisor import Command, Supervisor
from tests.conftest import WaitUntil
from tests.integration.tasks.processes import heed_signals
from tests.unit.stack.processes import gone

ROOT = Path(__file__).resolve().parents[4]

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
HAS_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); {SLEEPS}"


def python(code: str, log: Path | None = None) -> Command:
    return Command("child", [sys.executable, "-c", code], log=log)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "child.log"


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Makes supervisors, and stops what a failed test leaves running."""
    made: list[Supervisor] = []

    def make(*commands: Command, grace_s: float = 10.0) -> Supervisor:
        made.append(Supervisor(commands, grace_s=grace_s, cwd=tmp_path))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


@pytest.mark.parametrize("code", [0, 1, -signal.SIGKILL])
def test_a_child_that_ends_in_whatever_way_is_started_again(
    supervise: Callable[..., Supervisor], log: Path, wait_until: WaitUntil, code: int
) -> None:
    end = f"import os; os.kill(os.getpid(), {-code})" if code < 0 else f"raise SystemExit({code})"
    supervisor = supervise(python(f"print('up', flush=True); {end}", log))
    supervisor.start()
    deaths = []

    def has_died_twice() -> bool:
        deaths.extend(supervisor.tend())
        return len(deaths) >= 2

    wait_until(has_died_twice)
    assert [(death.name, death.code) for death in deaths] == [("child", code)] * 2
    assert log.read_text().count("up") == 2


def test_restarts_slow_down(supervise: Callable[..., Supervisor], wait_until: WaitUntil) -> None:
    supervisor = supervise(python("pass"))
    supervisor.start()
    moments: list[float] = []

    def has_died_four_times() -> bool:
        moments.extend(time.monotonic() for _ in supervisor.tend())
        return len(moments) >= 4

    wait_until(has_died_four_times)
    gaps = [after - before for before, after in pairwise(moments)]
    assert gaps[0] >= 0.2
    assert gaps[1] >= 0.4
    assert gaps[2] >= 0.8


def test_stop_asks_before_it_kills(supervise: Callable[..., Supervisor], log: Path, wait_until: WaitUntil) -> None:
    handler = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('in order', flush=True)))"
    supervisor = supervise(python(f"{handler}; {SLEEPS}", log))
    supervisor.start()
    wait_until(lambda: "up" in log.read_text())
    supervisor.stop()
    assert "in order" in log.read_text()
    assert supervisor.pid("child") is None


def test_what_ignores_the_request_is_killed_after_the_grace(
    supervise: Callable[..., Supervisor], log: Path, wait_until: WaitUntil
) -> None:
    supervisor = supervise(python(IGNORES_TERM, log), grace_s=0.5)
    supervisor.start()
    wait_until(lambda: "up" in log.read_text())
    pid = supervisor.pid("child")
    assert pid is not None
    began = time.monotonic()
    supervisor.stop()
    assert 0.5 <= time.monotonic() - began < 3
    assert not psutil.pid_exists(pid)


def test_nothing_a_child_started_outlives_its_death(
    supervise: Callable[..., Supervisor], log: Path, wait_until: WaitUntil
) -> None:
    supervisor = supervise(python(HAS_A_CHILD, log))
    supervisor.start()
    wait_until(lambda: log.read_text().count("up") == 2)
    pid = supervisor.pid("child")
    assert pid is not None
    [grandchild] = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    wait_until(supervisor.tend)
    wait_until(lambda: gone(grandchild))


def test_a_signal_ends_a_running_supervisor_and_its_children(tmp_path: Path, log: Path, wait_until: WaitUntil) -> None:
    supervisor = run_supervisor(SLEEPS, log, tmp_path)
    wait_until(lambda: log.exists() and "up" in log.read_text())
    children = psutil.Process(supervisor.pid).children()
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    wait_until(lambda: all(gone(child) for child in children))


def test_a_second_signal_cuts_the_grace_short(tmp_path: Path, log: Path, wait_until: WaitUntil) -> None:
    supervisor = run_supervisor(IGNORES_TERM, log, tmp_path)
    wait_until(lambda: log.exists() and "up" in log.read_text())
    children = psutil.Process(supervisor.pid).children()
    began = time.monotonic()
    # Twice the same signal may arrive as one.
    supervisor.send_signal(signal.SIGTERM)
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(15) == 0
    assert time.monotonic() - began < 10
    wait_until(lambda: all(gone(child) for child in children))


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path, log: Path, wait_until: WaitUntil) -> None:
    supervisor = run_supervisor(SLEEPS, log, tmp_path)
    wait_until(lambda: log.exists() and "up" in log.read_text())
    children = psutil.Process(supervisor.pid).children()
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: all(gone(child) for child in children))


def test_a_child_that_can_not_start_is_started_again_for_ever(tmp_path: Path, log: Path, wait_until: WaitUntil) -> None:
    supervisor = run_supervisor("print('up', flush=True); raise SystemExit(3)", log, tmp_path)
    wait_until(lambda: log.exists() and log.read_text().count("up") >= 3)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0


def test_a_closed_terminal_ends_it_as_a_signal_does(tmp_path: Path, log: Path, wait_until: WaitUntil) -> None:
    handler = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('in order', flush=True)))"
    supervisor = run_supervisor(f"{handler}; {SLEEPS}", log, tmp_path)
    wait_until(lambda: log.exists() and "up" in log.read_text())
    supervisor.send_signal(signal.SIGHUP)
    supervisor.send_signal(signal.SIGHUP)
    assert supervisor.wait(10) == 0
    assert "in order" in log.read_text()


def run_supervisor(child: str, log: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A process in which a supervisor with a grace of 60 s runs one child."""
    code = f"""
import sys
from pathlib import Path
from tasks.supervision.supervisor import Command, Supervisor
command = Command("child", [sys.executable, "-c", {child!r}], log=Path({str(log)!r}))
Supervisor([command], grace_s=60, cwd=Path({str(folder)!r})).run()
"""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_signals,  # noqa: PLW1509 - before exec no other thread of the child runs
    )


def test_a_command_that_can_not_start_now_is_started_once_it_can(
    supervise: Callable[..., Supervisor], tmp_path: Path, wait_until: WaitUntil
) -> None:
    program, log = tmp_path / "program", tmp_path / "later" / "child.log"
    works = python(SLEEPS, tmp_path / "works.log")
    supervisor = supervise(Command("late", [str(program)], log=log), Command("other", works.argv, log=works.log))
    supervisor.start()  # neither the program nor the log's folder is there
    assert supervisor.pid("late") is None
    wait_until(lambda: "up" in (tmp_path / "works.log").read_text())
    log.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{SLEEPS}"\n')
    program.chmod(0o755)

    def is_up() -> bool:
        supervisor.tend()
        return log.exists() and "up" in log.read_text()

    wait_until(is_up)
