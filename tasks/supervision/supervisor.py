"""Processes that have to run: started together, restarted when they die, stopped together.

Each child leads a process group of its own. So a terminal's Ctrl-C reaches the supervisor alone, and nothing that a
child started outlives it. Standard library only.
"""

import logging
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tasks.supervision.watchdog import kill_group, watchdog

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 10.0

#: A child that has run for so long is healthy: its next restart has the first backoff again.
HEALTHY_S = 10.0

#: Seconds between looks at the children.
TICK_S = 0.1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, under a name. `environment` replaces the supervisor's, `log` receives the output instead of ours."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] | None = None
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class Death:
    """The unexpected end of a child. `code`: negative for a signal."""

    name: str
    code: int


@dataclass(slots=True)
class _Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    backoff_s: float = FIRST_BACKOFF_S
    due: float = 0.0


class Supervisor:
    """Keeps its commands running from `start()` to `stop()` while `tend()` is called often. `run()` does all three.

    A child that ends, with any exit code, is restarted after a backoff that doubles from 0.2 s to 10 s.
    """

    def __init__(self, commands: Sequence[Command], *, grace_s: float, cwd: Path) -> None:
        self._children = [_Child(command) for command in commands]
        self._grace_s = grace_s
        self._cwd = cwd
        self._signals = 0

    def start(self) -> None:
        """Every command runs that can; `tend` tries the others again."""
        for child in self._children:
            self._start(child)

    def tend(self) -> list[Death]:
        """Returns the children that died since the last call, and restarts those whose backoff is over."""
        deaths = []
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                deaths.append(self._bury(child, child.process, now))
            if child.process is None and now >= child.due:
                self._start(child)
        return deaths

    def stop(self) -> None:
        """No child runs, nor anything a child started: each gets SIGTERM, and SIGKILL after the grace.

        A second signal to `run()` ends the grace. A second call does nothing.
        """
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._grace_s
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self._signals > 1:
                break
            time.sleep(TICK_S / 2)
        for child in self._children:
            if child.process is not None:
                self._clear(child, child.process)

    def pid(self, name: str) -> int | None:
        """The process id of the command of this name, None while it is down."""
        for child in self._children:
            if child.command.name == name and child.process is not None:
                return child.process.pid
        return None

    def run(self) -> None:
        """Runs until SIGINT, SIGTERM or SIGHUP. It never gives up: a child that can't start may be able to later."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves SIGHUP
                signal.signal(number, self._count_signal)
        try:
            self.start()
            while not self._signals:
                for death in self.tend():
                    log.warning("child_ended", extra={"child": death.name, "exitCode": death.code})
                time.sleep(TICK_S)
        finally:
            self.stop()

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closing terminal may send it twice
        self._signals += 1

    def _start(self, child: _Child) -> None:
        command = child.command
        try:
            with command.log.open("ab") if command.log is not None else nullcontext() as output:
                child.process = subprocess.Popen(
                    command.argv,
                    cwd=self._cwd,
                    env=command.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT if output is not None else None,
                    process_group=0,
                )
            watchdog.add_group(child.process.pid)
        except OSError as error:  # no process, memory, descriptor or disk is left just now
            log.warning("child_not_started", extra={"child": command.name, "error": str(error)})
            if child.process is not None:
                self._clear(child, child.process)
            self._delay(child)
        child.started = time.monotonic()

    def _bury(self, child: _Child, process: subprocess.Popen[bytes], now: float) -> Death:
        self._clear(child, process)
        if now - child.started >= HEALTHY_S:
            child.backoff_s = FIRST_BACKOFF_S
        self._delay(child)
        return Death(child.command.name, process.returncode)

    def _delay(self, child: _Child) -> None:
        child.due = time.monotonic() + child.backoff_s
        child.backoff_s = min(child.backoff_s * 2, LONGEST_BACKOFF_S)

    def _clear(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        kill_group(process.pid)
        process.wait()
        watchdog.remove_group(process.pid)
        child.process = None
