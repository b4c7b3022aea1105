"""Deadlines that hold even when a server freezes.

PostgreSQL's and libpq's own timeouts don't end a statement on a server that hangs with the connection open. So
another thread shuts the connection's socket down: the blocked call fails at once.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from functools import partial

#: How long the guard's thread sleeps while it guards nothing.
IDLE_S = 60.0

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Every wait for a server inside the block ends at most `seconds` from its beginning."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining(at_most: float) -> float:
    """The seconds left until the current deadline, between 0 and `at_most`; `at_most` without a deadline."""
    end = _deadline.get()
    return at_most if end is None else max(0.0, min(at_most, end - time.monotonic()))


class SocketGuard:
    """Shuts sockets down at their deadline, from one thread that starts with the first use."""

    def __init__(self) -> None:
        self._begin_anew()
        # A fork copies the lock as it is, perhaps held by the thread, which it does not copy.
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        # Never acquired through the condition, whose own code a KeyboardInterrupt may leave locked.
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._guarded: dict[object, tuple[float, Callable[[], None]]] = {}  # when and how each block is ended
        self._wakes_at = 0.0
        self._running = False

    def guard(self, fileno: int, seconds: float) -> AbstractContextManager[None]:
        """Shuts the socket down if the block takes longer than `seconds`, and never after the block."""
        return self.guard_by(partial(shut_down, fileno), seconds)

    @contextmanager
    def guard_by(self, close: Callable[[], None], seconds: float) -> Iterator[None]:
        """Calls `close` if the block takes longer than `seconds`, and never after the block."""
        end, block = time.monotonic() + seconds, object()
        with self._lock:
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="socket-guard", daemon=True).start()
            self._guarded[block] = end, close
            if end < self._wakes_at:
                self._wakes_at = end
                self._wake.notify()
        try:
            yield
        finally:
            with self._lock:
                self._guarded.pop(block, None)

    def _run(self) -> None:
        with self._wake:
            while True:
                now = time.monotonic()
                for block, (end, close) in list(self._guarded.items()):
                    if end <= now:
                        with suppress(Exception):  # the thread guards others as well
                            close()
                        del self._guarded[block]
                self._wakes_at = min((end for end, _ in self._guarded.values()), default=now + IDLE_S)
                self._wake.wait(self._wakes_at - now)


def shut_down(fileno: int) -> None:
    """A read or write that waits for the socket fails at once."""
    # The peer or another thread may have closed the socket first.
    # socket.fromfd works on a duplicate, so closing it leaves libpq's descriptor alone.
    with suppress(OSError), socket.fromfd(fileno, socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.shutdown(socket.SHUT_RDWR)
