"""What runs in a child process: one handler after another, found by its dotted path. Its outcome is plain data."""

import importlib
import multiprocessing
import os
import pickle
import signal
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pipeline.contract import Report, StageFailed, StageInput

#: Reports are sent at most this often; the last one always.
REPORT_EVERY_S = 0.2

#: Before each message: its kind, the number of the run that it belongs to, and how many bytes follow.
HEADER = struct.Struct("!BIQ")


class Kind(IntEnum):
    """What a message is; all but REQUEST come from the child."""

    READY = 0
    REQUEST = 1
    REPORT = 2
    OUTCOME = 3


@dataclass(frozen=True, slots=True)
class Returned:
    """The handler came to its end with this result."""

    result: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The handler raised. `message` is for the course's owner where the handler meant it so (then it is `final`)."""

    error: str
    trace: str
    message: str | None = None
    final: bool = False


def serve(parent: socket.socket, paths: tuple[str, ...]) -> None:
    """Answers each request of the worker with its handler's outcome, until the worker hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # an inherited handler might not end the process
    line = _Line(parent)
    warm_up(paths)
    line.send(Kind.READY, 0, b"")
    while (request := line.receive()) is not None:
        run, (path, stage_input) = request
        line.send(Kind.OUTCOME, run, run_handler(path, stage_input, _reporter(line, run)))


def pack(kind: Kind, run: int, payload: bytes) -> bytes:
    """The message as it goes over the socket."""
    return HEADER.pack(kind, run, len(payload)) + payload


def load_handler(path: str) -> Callable[[StageInput, Report], Any]:
    """The function at the dotted path. Raises ImportError with the path where there is none."""
    module, _, name = path.rpartition(".")
    try:
        handler = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImportError(f"No handler at {path}: {error}") from error
    if not callable(handler):
        raise ImportError(f"The handler at {path} can't be called")
    return handler  # type: ignore[no-any-return]


def warm_up(paths: tuple[str, ...]) -> None:
    """The handlers are imported, and this process ends soon after the worker does, however that ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for path in paths:
        try:
            load_handler(path)
        except Exception:  # noqa: BLE001, S112 - reported by the run that needs it
            continue


def run_handler(path: str, stage_input: StageInput, report: Report) -> bytes:
    """What the handler did, pickled: `Returned` or `Raised`. What can't be pickled is the handler's error, too."""
    outcome: Returned | Raised
    try:
        return pickle.dumps(Returned(load_handler(path)(stage_input, report)), pickle.HIGHEST_PROTOCOL)
    except StageFailed as error:
        outcome = Raised(f"StageFailed: {error}", traceback.format_exc(), message=str(error), final=True)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        outcome = Raised(f"{type(error).__name__}: {error}", traceback.format_exc())
    return pickle.dumps(outcome)


class _Line:
    """The socket to the worker. Threads that a handler left behind may report while the next one runs."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._requests = parent.makefile("rb")
        self._sending = threading.Lock()

    def send(self, kind: Kind, run: int, payload: bytes) -> None:
        with self._sending:
            self._parent.sendall(pack(kind, run, payload))

    def receive(self) -> tuple[int, Any] | None:
        """The next request and its run's number; None when the worker hung up."""
        header = self._requests.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        _, run, length = HEADER.unpack(header)
        payload = self._requests.read(length)
        return None if len(payload) < length else (run, pickle.loads(payload))  # noqa: S301 - of the worker's own make


def _reporter(line: _Line, run: int) -> Report:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= REPORT_EVERY_S:
            last = now
            line.send(Kind.REPORT, run, pickle.dumps((done, total)))

    return report


def _end_with_parent() -> None:
    # Waits on a pipe whose other end only the worker has. Any death closes it, and unlike a pid it is never reused.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
