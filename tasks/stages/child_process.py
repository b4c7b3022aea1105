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
from dataclasses import dataclass, replace

import orjson

from app.settings.stages import StageLimits
from pipeline.child.wire import LESSONS, REPORT, Kind, Raised, Returned, join_line, split_line
from tasks.stages.child_connection import Broken, Connection
from tasks.stages.handler_output import HandlerOutput
from tasks.stages.watch import Calls, Stopped, TimedOut, Watch

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
class Died:
    """The handler's process ended by itself: killed from outside, out of memory, or by a crash."""

    exit_code: int


Outcome = Returned | Raised | TimedOut | Died | Stopped


class Child:
    """A process that imports its handlers and then runs one request at a time. It leads a session of its own.

    `has_started`: the process has begun to import them. `is_free`: it can run a request; false after one whose handler
    did not end, or raised what it was not expected to. `runs` counts the requests. `hide` takes secrets out of a text.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log_level: str,
        handlers: tuple[str, ...],
        hide: Callable[[str], str] = str,
    ) -> None:
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
        self._output = HandlerOutput(self._printed.fileno(), hide)
        self._hide = hide
        self._connection = Connection(self._socket)
        self._is_ready = False
        self.has_started = False
        self.is_free = True
        self.runs = 0

    def run(self, request: Request, limits: StageLimits, calls: Calls) -> Outcome | None:
        """Returns how the handler ended, or None if the process was gone before it began."""
        self.is_free = False
        self.runs += 1
        self._connection.begin(Kind.REQUEST, self.runs, request.head(limits.cpu_s), request.given)
        watch = Watch(limits, calls)
        try:
            while (outcome := self._exchange(watch) or watch.look()) is None:
                pass
        except (EOFError, ConnectionError):
            return self._gone(limits)
        except Broken as error:
            return Raised(f"Broken: {error}", "")
        finally:
            self._output.flush()
            if watch.has_begun and (lines := self._output.take_tail()):
                calls.on_log(lines)
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

    def _exchange(self, watch: Watch) -> Outcome | None:
        """Sends and receives what there is until the next look. Raises EOFError when the process has ended."""
        if self._is_ready and not watch.has_begun:
            # What an earlier handler left running has printed this, which has no ids.
            Context().run(self._output.flush)
            self._output.take_tail()
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
            elif kind is Kind.ASK:
                self._answer(watch, payload)
            else:
                outcome = self._outcome(kind, payload)
                # An unexpected error may come from what an earlier handler did to the process.
                self.is_free = isinstance(outcome, Returned) or outcome.final or outcome.is_busy
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

    def _answer(self, watch: Watch, payload: memoryview) -> None:
        try:
            question = split_line(payload)
        except ValueError as error:
            raise Broken(f"the handler's process asked nonsense: {error}") from error
        self._connection.begin(Kind.ANSWER, self.runs, *join_line(*watch.answer(*question)))

    def _outcome(self, kind: Kind, payload: memoryview) -> Returned | Raised:
        if kind == Kind.RETURNED:
            return Returned(payload[LESSONS.size :], LESSONS.unpack_from(payload)[0])
        raised = Raised(**orjson.loads(payload))
        message = raised.message and self._hide(raised.message)
        return replace(raised, error=self._hide(raised.error), trace=self._hide(raised.trace), message=message)

    def _gone(self, limits: StageLimits) -> Outcome | None:
        if self._connection.is_sending_request:
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
