"""One child process as the worker sees it: asked over a socket, never waited for without a look at the clock."""

import pickle
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from typing import Any

from pipeline.child import HEADER, Kind, Raised, Returned, pack, serve

#: How often a running handler is looked at: reports, a wish to stop, its time.
POLL_S = 0.1
#: How long a child has to end by itself, and how long after it was asked to, before it is killed.
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
    """The handler was killed because `stop` said so."""


Outcome = Returned | Raised | TimedOut | Died | Stopped


class Child:
    """A process that was started, imports its handlers, and then runs what it is asked to, one at a time.

    `is_free`: it may be asked; afterwards it is, if the handler came to its end. `runs`: how often it was asked.
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
        """How the handler ended; None: the process was gone before it began. Unless free, the child is to be ended."""
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
                        continue  # told by what an earlier handler left running
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
        """Of the process, which is over or about to be."""
        self._process.join(LEAVE_S)
        return self._process.exitcode or 0

    def leave(self) -> None:
        """The process, which is free, has ended by itself, or was given the time to."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._process.join(LEAVE_S)

    def terminate(self) -> None:
        """The process is asked to end, whatever it does."""
        self._process.terminate()

    def kill(self) -> None:
        """The process is gone; where it was asked to end, it has had the time to."""
        self._process.join(LEAVE_S)
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        """Nothing is left of it here. Not while a thread waits in `run`."""
        self._socket.close()

    def _send(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def _receive(self, until: float, *, writing: bool) -> list[tuple[int, int, bytes]]:
        """The messages that have come, waited for until then, or until more can be sent. Raises EOFError."""
        self._poll.modify(self._socket, select.POLLIN | select.POLLOUT if writing else select.POLLIN)
        waited_for = self._poll.poll(max(0.0, until - time.monotonic()) * 1000)
        if not waited_for or waited_for[0][1] == select.POLLOUT:
            return []
        chunk = self._socket.recv(CHUNK)
        if not chunk:
            raise EOFError
        self._received += chunk
        return list(self._messages())

    def _messages(self) -> Any:
        while len(self._received) >= HEADER.size:
            kind, run, length = HEADER.unpack_from(self._received)
            end = HEADER.size + length
            if len(self._received) < end:
                return
            payload = bytes(self._received[HEADER.size : end])
            del self._received[:end]
            yield kind, run, payload


def _unpickle(payload: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.loads(payload)  # noqa: S301 - of our own child's make
    except Exception as error:  # noqa: BLE001 - a result whose class is not here
        return Raised(f"{type(error).__name__}: {error}", "")
    return outcome
