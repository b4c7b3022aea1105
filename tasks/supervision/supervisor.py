"""Processes that have to run: started together, restarted when they die, stopped together.

Every child leads a process group of its own, so that a terminal's Ctrl-C reaches the supervisor alone and so that
nothing a child started outlives it. Standard library only: `coursegen worker` runs it in production.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tasks.supervision.interrupts import held
from tasks.supervision.watchdog import kill_group, watchdog

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0

#: A child that has lived this long was well: its next death starts again at the first delay.
WELL_S = 10.0

#: Between looks at several children, none of which tells when it ends.
TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, under which name; `environment` replaces ours, `log` takes the output instead of our own."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] | None = None
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class Death:
    """A child ended unasked; `code` is negative for a signal, `early` says it was its first start and a short life."""

    name: str
    code: int
    early: bool


@dataclass(slots=True)
class _Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    starts: int = 0
    delay: float = FIRST_DELAY_S
    due: float = field(default=0.0)


class Supervisor:
    """Keeps its commands running from `start()` to `stop()`; whoever holds it calls `tend()` often, or `run()`.

    A child that dies, with any exit code, is started again after 0.2 s, each time twice that, 10 s at most.
    """

    def __init__(self, commands: Sequence[Command], *, grace_s: float, cwd: Path) -> None:
        self._children = [_Child(command) for command in commands]
        self._grace_s = grace_s
        self._cwd = cwd
        self._signals = 0

    def start(self) -> None:
        """Every command runs."""
        for child in self._children:
            self._start(child)

    def tend(self) -> list[Death]:
        """Who died since the last call. The dead whose delay is over run again."""
        deaths = []
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                deaths.append(self._bury(child, child.process, now))
            if child.process is None and now >= child.due:
                self._start(child)
        return deaths

    def stop(self) -> None:
        """No child runs, nor anything a child started: asked with SIGTERM, killed when the grace is over.

        Two signals to a supervisor in `run()` cut the grace short. A second call does nothing.
        """
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._grace_s
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self._signals > 1:
                break
            time.sleep(TICK_S / 2)
        for process in running:
            kill_group(process.pid)
            process.wait()
            watchdog.remove_group(process.pid)
        for child in self._children:
            child.process = None

    def pid(self, name: str) -> int | None:
        """The process id of the command of this name, None while it is down."""
        for child in self._children:
            if child.command.name == name and child.process is not None:
                return child.process.pid
        return None

    def run(self) -> int:
        """Runs until SIGINT or SIGTERM; returns the exit code: 0, or that of a child which could not start.

        Could not start means: its first start ended by itself, with an error, before it was well. That is no accident
        a restart could mend but a wrong setting, and whoever started us must see it.
        """
        with self._handled():
            try:
                self.start()
                while not self._signals:
                    for death in self.tend():
                        print(f"{death.name} ended (exit code {death.code})", file=sys.stderr, flush=True)
                        if death.early and death.code > 0:
                            return death.code
                    time.sleep(TICK_S)
                return 0
            finally:
                self.stop()

    def _start(self, child: _Child) -> None:
        command = child.command
        with ExitStack() as opened, held():
            log = opened.enter_context(command.log.open("ab")) if command.log is not None else None
            child.process = subprocess.Popen(
                command.argv,
                cwd=self._cwd,
                env=command.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log is not None else None,
                process_group=0,
            )
            watchdog.add_group(child.process.pid)
        child.started = time.monotonic()
        child.starts += 1

    def _bury(self, child: _Child, process: subprocess.Popen[bytes], now: float) -> Death:
        kill_group(process.pid)
        watchdog.remove_group(process.pid)
        well = now - child.started >= WELL_S
        if well:
            child.delay = FIRST_DELAY_S
        child.due = now + child.delay
        child.delay = min(child.delay * 2, LONGEST_DELAY_S)
        child.process = None
        return Death(child.command.name, process.returncode, early=child.starts == 1 and not well)

    @contextmanager
    def _handled(self) -> Iterator[None]:
        def count(number: int, frame: FrameType | None) -> None:
            self._signals += 1

        before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
