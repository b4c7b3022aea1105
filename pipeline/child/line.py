"""The child's end of the socket to the worker."""

import socket
import threading
import time
from typing import Any

from pipeline.child.wire import HEADER, REPORT, Kind, join_line, split_line

#: Reports are sent at most this often, and those from within a unit so often; the last one always.
REPORT_EVERY_S, SHARE_EVERY_S = 0.2, 1.0


class Line:
    """Messages to and from the worker. Threads that a handler left behind may report while the next one runs."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._requests = parent.makefile("rb", buffering=0)
        self._sending = threading.Lock()

    def send(self, kind: Kind, run: int, *payload: bytes | memoryview) -> None:
        with self._sending:
            self._parent.sendall(HEADER.pack(kind, run, sum(map(len, payload))))
            for part in payload:
                self._parent.sendall(part)

    def receive(self) -> tuple[int, dict[str, Any], memoryview] | None:
        """The next request or answer: its run's number, its line, and the rest. None when the worker hung up."""
        header = self._read(HEADER.size)
        if header is None:
            return None
        _, run, length = HEADER.unpack(header)
        payload = self._read(length)
        return None if payload is None else (run, *split_line(payload))

    def _read(self, length: int) -> memoryview | None:
        whole = rest = memoryview(bytearray(length))
        while rest:
            count = self._requests.readinto(rest)
            if not count:
                return None
            rest = rest[count:]
        return whole


class RunLine:
    """The line while one run lasts: its reports, and its questions, one at a time."""

    def __init__(self, line: Line, run: int) -> None:
        self._line, self._run = line, run
        self._reported_at = float("-inf")
        self._asking = threading.Lock()
        self._is_over = False

    def report(self, done: float, total: int) -> None:
        """Sends a report, unless one was sent just now."""
        now, every = time.monotonic(), REPORT_EVERY_S if done == int(done) else SHARE_EVERY_S
        if done >= total or now - self._reported_at >= every:
            self._reported_at = now
            self._line.send(Kind.REPORT, self._run, REPORT.pack(done, int(total)))

    def ask(self, question: dict[str, Any], result: bytes) -> tuple[dict[str, Any], memoryview]:
        """The worker's answer. Raises RuntimeError once the run is over, EOFError when the worker hung up."""
        with self._asking:
            if self._is_over:
                raise RuntimeError("The handler has ended")
            self._line.send(Kind.ASK, self._run, *join_line(question, result))
            answer = self._line.receive()
        if answer is None:
            raise EOFError("The worker has ended")
        return answer[1:]

    def end(self) -> None:
        """Waits for the answer to a question; there is no other. So no thread reads the next run's request."""
        with self._asking:
            self._is_over = True
