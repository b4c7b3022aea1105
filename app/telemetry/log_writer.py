"""Writes log lines in a thread of its own: a pipe that nobody reads, or a disk that hangs, holds up no request."""

import logging
import os
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from weakref import WeakSet

#: Lines that wait to be written at most. More are dropped, and counted in a line of their own.
MOST_LINES = 10_000
#: Lines written at once at most.
BATCH = 200
#: Pause after a write: a thread that each line wakes takes the interpreter from the one that logs, a tenth of its time.
PAUSE_S = 0.02
#: How long a process that ends waits for its last lines.
FLUSH_S = 0.5


_handlers: "WeakSet[BackgroundHandler]" = WeakSet()


class BackgroundHandler(logging.Handler):
    """Writes each record as a line to a descriptor, in order. `emit` never blocks."""

    def __init__(self, fileno: int) -> None:
        super().__init__()
        self._fileno = fileno
        self.begin()
        _handlers.add(self)

    def begin(self) -> None:
        """Nothing waits to be written, and no thread writes."""
        #: Lines to write, and events to set once all before them are written. None ends the thread.
        self._queue: SimpleQueue[bytes | threading.Event | None] = SimpleQueue()
        self._dropped = 0
        #: Ends the pause.
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        except Exception:  # noqa: BLE001 - a value that can't be written must not fail the work that logs it
            self._dropped += 1
            return
        if self._queue.qsize() >= MOST_LINES:
            self._dropped += 1
            return
        self._queue.put(line)
        if self._thread is None:
            thread = threading.Thread(target=self._run, args=(self._queue,), name="log", daemon=True)
            with suppress(RuntimeError):  # the host has no thread left: the lines wait for a later one
                thread.start()
                self._thread = thread

    def flush(self) -> None:
        """Waits until all lines are written, for `FLUSH_S` at most."""
        if self._thread is not None:
            written = threading.Event()
            self._queue.put(written)
            self._hurry.set()
            written.wait(FLUSH_S)

    def close(self) -> None:
        """Ends the thread once it has written all lines."""
        self.flush()
        if self._thread is not None:
            self._queue.put(None)
            self._thread = None  # a line that comes later starts another
        super().close()

    def _run(self, queue: "SimpleQueue[bytes | threading.Event | None]") -> None:
        while True:
            batch = [queue.get()]
            with suppress(Empty):
                while len(batch) < BATCH:
                    batch.append(queue.get_nowait())
            self._write(b"".join(item for item in batch if isinstance(item, bytes)))
            if dropped := self._take_dropped():
                fields = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
                record = logging.makeLogRecord({**fields, "msg": "log_lines_dropped", "count": dropped})
                self._write(self.format(record).encode() + b"\n")
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
            if None in batch:
                return
            self._hurry.wait(PAUSE_S)
            self._hurry.clear()

    def _take_dropped(self) -> int:
        self.acquire()  # as `emit` has it: held for no write
        try:
            dropped, self._dropped = self._dropped, 0
        finally:
            self.release()
        return dropped

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        # Raises if nobody will ever read it, or if the disk is full.
        with suppress(OSError):
            while left:
                left = left[os.write(self._fileno, left) :]


def _begin_all() -> None:
    for handler in _handlers:
        handler.begin()


# A fork does not copy the thread. What waits is the parent's to write.
os.register_at_fork(after_in_child=_begin_all)
