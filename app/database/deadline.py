"""Deadlines that hold even when a server freezes.

PostgreSQL's and libpq's own timeouts don't end a statement on a server that hangs with the connection open. So
another thread shuts the connection's socket down: the blocked call fails at once.
"""

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

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
        self._ends: list[tuple[float, int, int]] = []
        self._guarded: set[int] = set()
        self._tokens = itertools.count()
        self._running = False

    @contextmanager
    def guard(self, fileno: int, seconds: float) -> Iterator[None]:
        """Shuts the socket down if the block takes longer than `seconds`, and never after the block."""
        end = time.monotonic() + seconds
        token = next(self._tokens)
        with self._lock:
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="socket-guard", daemon=True).start()
            self._guarded.add(token)
            heapq.heappush(self._ends, (end, token, fileno))
            if self._ends[0][1] == token:
                self._wake.notify()
        try:
            yield
        finally:
            with self._lock:
                self._guarded.discard(token)

    def _run(self) -> None:
        with self._wake:
            while True:
                now = time.monotonic()
                while self._ends and (self._ends[0][1] not in self._guarded or self._ends[0][0] <= now):
                    _, token, fileno = heapq.heappop(self._ends)
                    if token in self._guarded:
                        _shut_down(fileno)
                self._wake.wait(self._ends[0][0] - now if self._ends else None)


def _shut_down(fileno: int) -> None:
    # The peer or another thread may have closed the socket first.
    # socket.fromfd works on a duplicate, so closing it leaves libpq's descriptor alone.
    with suppress(OSError), socket.fromfd(fileno, socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.shutdown(socket.SHUT_RDWR)
