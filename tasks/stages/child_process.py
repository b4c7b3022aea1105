"""One child process as the worker sees it: it gets requests over a socket, and every wait for it is bounded."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Literal

import orjson

from app.settings.stages import StageLimits
from pipeline.child.wire import LESSONS, REPORT, Kind, Raised, Returned
from tasks.stages.child_connection import Broken, Connection
from tasks.stages.handler_output import HandlerOutput

#: How often a running handler is checked for reports, a stop, its limits and its death.
POLL_S = 0.1
#: How long a child has to end by itself, and then again after SIGTERM, before it is killed.
LEAVE_S = 1.0

# The child imports what this process would, wherever it was started.
_MAIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from pipeline.child.serving import main; main(*sys.argv[2:])"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a child shall run. `given` is the stage's input in JSON."""

    stage: str
    handler: str
    files_root: str
    given: bytes | memoryview

    def head(self, cpu_s: float | None) -> bytes:
        """All but the input, as one line of JSON."""
        head = {"stage": self.stage, "handler": self.handler, "files_root": self.files_root, "cpu_s": cpu_s}
        return orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The handler was killed at a limit of its stage."""

    limit: Literal["total", "silence", "cpu"]


@dataclass(frozen=True, slots=True)
class Died:
    """The handler's process ended by itself: killed from outside, out of memory, or by a crash."""

    exit_code: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The handler was killed because `should_stop` returned true, or did not begin because no process can start."""


Outcome = Returned | Raised | TimedOut | Died | Stopped


class Child:
    """A process that imports its handlers and then runs one request at a time. It leads a session of its own.

    `has_started`: the process has begun to import them. `is_free`: it can run a request; false after one whose handler
    did not end, or raised what it was not expected to. `runs` counts the requests.
    """

    def __init__(self, environment: Mapping[str, str], log_level: str, handlers: tuple[str, ...]) -> None:
        with ExitStack() as undo:
            self._socket, theirs = socket.socketpair()
            undo.callback(self._socket.close)
            lifeline, self._lifeline = os.pipe()
            undo.callback(os.close, self._lifeline)
            arguments = [json.dumps(sys.path), str(theirs.fileno()), str(lifeline)]
            with theirs, os.fdopen(lifeline):
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _MAIN, *arguments, log_level, *handlers],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    bufsize=0,
                    pass_fds=(theirs.fileno(), lifeline),
                    start_new_session=True,
                )
            undo.pop_all()
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        self._printed = self._process.stdout
        self._output = HandlerOutput(self._printed.fileno())
        self._connection = Connection(self._socket)
        self._is_ready = False
        self.has_started = False
        self.is_free = True
        self.runs = 0

    def run(
        self,
        request: Request,
        limits: StageLimits,
        on_report: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Outcome | None:
        """Returns how the handler ended, or None if the process was gone before it began."""
        self.is_free = False
        self.runs += 1
        self._connection.begin(self.runs, request.head(limits.cpu_s), request.given)
        watch = _Watch(limits, on_report, should_stop)
        try:
            while (outcome := self._exchange(watch) or watch.look()) is None:
                pass
        except (EOFError, ConnectionError):
            return self._gone(limits)
        except Broken as error:
            return Raised(f"Broken: {error}", "")
        return outcome

    @property
    def exit_code(self) -> int:
        """The exit code of the process, which has ended or is about to."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LEAVE_S)
        return self._process.returncode or 0

    def terminate(self) -> None:
        """Sends SIGTERM to the process and to all of its group."""
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Ends the process and what is left of its group. They are killed if they do not end in time."""
        if self.is_free:
            with suppress(OSError):  # another thread may have closed it
                self._socket.shutdown(socket.SHUT_RDWR)
            self._leaves()
        if not self.has_ended:
            self.terminate()
            self._leaves()
        self._signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Logs the last of the output, and closes what leads to the process. Not while a thread waits in `run`."""
        self._output.flush()
        self._printed.close()
        self._socket.close()
        with suppress(OSError):
            os.close(self._lifeline)

    def _exchange(self, watch: "_Watch") -> Outcome | None:
        """Sends and receives what there is until the next look. Raises EOFError when the process has ended."""
        if self._is_ready and not watch.has_begun:
            # What an earlier handler left running has printed this, which has no ids.
            Context().run(self._output.flush)
            watch.begin()
        if watch.has_begun:
            self._connection.send()
        self._wait(watch.look_at, sending=watch.has_begun and self._connection.is_sending)
        ended = self.has_ended  # before the last messages are read
        for kind, run, payload in self._connection.receive():
            if kind is Kind.STARTED:
                self.has_started = True
            elif kind is Kind.READY:
                self._is_ready = True
            elif run != self.runs:
                pass  # from a thread that an earlier handler left running
            elif kind is Kind.REPORT:
                watch.hear(*REPORT.unpack(payload))
            else:
                self._output.flush()
                outcome = _outcome(kind, payload)
                # An unexpected error may come from what an earlier handler did to the process.
                self.is_free = isinstance(outcome, Returned) or outcome.final
                return outcome
            if watch.is_due:
                return None  # one that talks without end is not listened to without end
        if ended:
            raise EOFError
        return None

    def _wait(self, until: float, *, sending: bool) -> None:
        """Waits until then, or until the child has sent or printed something, or more can be sent to it."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if sending else 0))
        if self._output.is_open:
            poll.register(self._printed, select.POLLIN)
        events = poll.poll(max(0.0, until - time.monotonic()) * 1000)
        if any(number == self._printed.fileno() for number, _ in events):
            self._output.read()

    def _gone(self, limits: StageLimits) -> Outcome | None:
        if self._connection.is_sending:
            return None
        code = self.exit_code
        return TimedOut("cpu") if limits.cpu_s is not None and code == -signal.SIGXCPU else Died(code)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def _leaves(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LEAVE_S)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # the group is empty; macOS: only zombies are left of it
            os.killpg(self._process.pid, number)


class _Watch:
    """What a running handler is watched for: its limits, a stop, its reports."""

    def __init__(
        self, limits: StageLimits, on_report: Callable[[int, int], None], should_stop: Callable[[], bool]
    ) -> None:
        self._limits = limits
        self._on_report = on_report
        self._should_stop = should_stop
        self._report: tuple[int, int] | None = None
        self._began = self._heard = 0.0
        self.has_begun = False
        self.look_at = time.monotonic() + POLL_S

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self.look_at

    def begin(self) -> None:
        """The handler begins."""
        self.has_begun = True
        self._began = self._heard = time.monotonic()

    def hear(self, done: int, total: int) -> None:
        """The handler has reported."""
        self._heard = time.monotonic()
        self._report = done, total

    def look(self) -> Outcome | None:
        """Passes the last report on. Returns why the handler has to be killed. Does nothing until it is due."""
        if not self.is_due:
            return None
        now = time.monotonic()
        self.look_at = now + POLL_S
        if self._should_stop():
            return Stopped()
        if self.has_begun and now - self._began > self._limits.total_s:
            return TimedOut("total")
        if self.has_begun and now - self._heard > (self._limits.silence_s or float("inf")):
            return TimedOut("silence")
        if self._report is not None:
            self._on_report(*self._report)
            self._report = None
        return None


def _outcome(kind: Kind, payload: memoryview) -> Returned | Raised:
    if kind == Kind.RETURNED:
        return Returned(payload[LESSONS.size :], LESSONS.unpack_from(payload)[0])
    return Raised(**orjson.loads(payload))
