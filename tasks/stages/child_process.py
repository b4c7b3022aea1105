"""One child process as the worker sees it: it gets requests over a socket, and every wait for it is bounded."""

import pickle
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext

from pipeline.child import HEADER, Kind, Raised, Returned, pack, serve

#: How often a running handler is checked for reports, a stop and its timeout.
POLL_S = 0.1
#: How long a child has to end by itself, and then again after SIGTERM, before it is killed.
LEAVE_S = 1.0
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The handler was killed at its timeout."""


@dataclass(frozen=True, slots=True)
class Died:
    """The handler's process ended by itself: killed from outside, out of memory, or by a crash."""

    exit_code: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The handler was killed because `should_stop` returned true."""


Outcome = Returned | Raised | TimedOut | Died | Stopped


class Child:
    """A process that imports its handlers and then runs one request at a time.

    `is_free`: it can run a request. False after a request whose handler did not end. `runs` counts the requests.
    """

    def __init__(self, context: ForkServerContext, handlers: tuple[str, ...]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = context.Process(target=serve, args=(theirs, handlers), daemon=True)
            self._process.start()
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._received = bytearray()
        self._ready = False
        self.is_free = True
        self.runs = 0

    def run(
        self,
        request: bytes,
        timeout_s: float,
        on_report: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Outcome | None:
        """Returns how the handler ended, or None if the process was gone before it began."""
        self.is_free = False
        self.runs += 1
        unsent = memoryview(pack(Kind.REQUEST, self.runs, request))
        began: float | None = None
        report: tuple[int, int] | None = None
        look_at = time.monotonic() + POLL_S
        while True:
            try:
                if self._ready and unsent:
                    began = began or time.monotonic()
                    unsent = unsent[self._send(unsent) :]
                for kind, run, payload in self._receive(look_at, writing=self._ready and bool(unsent)):
                    if kind == Kind.READY:
                        self._ready = True
                    elif run != self.runs:
                        continue  # from a thread that an earlier handler left running
                    elif kind == Kind.REPORT:
                        report = pickle.loads(payload)  # noqa: S301 - of two numbers
                    else:
                        self.is_free = True
                        return _unpickle(payload)
            except (EOFError, ConnectionError):
                return None if unsent else Died(self.exit_code)
            if (now := time.monotonic()) >= look_at:
                look_at = now + POLL_S
                if should_stop():
                    return Stopped()
                if began is not None and now - began > timeout_s:
                    return TimedOut()
                if report is not None:
                    on_report(*report)
                    report = None

    @property
    def exit_code(self) -> int:
        """The exit code of the process, which has ended or is about to."""
        self._process.join(LEAVE_S)
        return self._process.exitcode or 0

    def terminate(self) -> None:
        """Sends SIGTERM to the process."""
        self._process.terminate()

    def end(self) -> None:
        """Ends the process. It is killed if it does not end in time."""
        if self.is_free:
            with suppress(OSError):  # another thread may have closed it
                self._socket.shutdown(socket.SHUT_RDWR)
            self._process.join(LEAVE_S)
        self._process.terminate()
        self._process.join(LEAVE_S)
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        """Closes the socket. Not while a thread waits in `run`."""
        self._socket.close()

    def _send(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def _receive(self, until: float, *, writing: bool) -> list[tuple[int, int, bytes]]:
        """The messages received. Waits for them until then, or until more can be sent. Raises EOFError."""
        self._poll.modify(self._socket, select.POLLIN | select.POLLOUT if writing else select.POLLIN)
        ready = self._poll.poll(max(0.0, until - time.monotonic()) * 1000)
        if not ready or ready[0][1] == select.POLLOUT:
            return []
        chunk = self._socket.recv(CHUNK)
        if not chunk:
            raise EOFError
        self._received += chunk
        messages = []
        while len(self._received) >= HEADER.size:
            kind, run, length = HEADER.unpack_from(self._received)
            end = HEADER.size + length
            if len(self._received) < end:
                break
            messages.append((kind, run, bytes(self._received[HEADER.size : end])))
            del self._received[:end]
        return messages


def _unpickle(payload: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.loads(payload)  # noqa: S301 - from our own child
    except Exception as error:  # noqa: BLE001 - a class that can't be imported here
        return Raised(f"{type(error).__name__}: {error}", "")
    return outcome
