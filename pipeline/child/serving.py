"""What runs in a child process: one handler after another, found by its dotted path. Its outcome is plain data."""

import fcntl
import importlib
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from pipeline.child.output import send_output_in_lines
from pipeline.child.stage_data import as_json, read_input
from pipeline.child.wire import HEADER, LESSONS, MAX_ERROR, MAX_RESULT, MAX_TRACE, REPORT, Kind, Raised, cut
from pipeline.contract import Report, StageFailed, StageInput

#: Reports are sent at most this often; the last one always.
REPORT_EVERY_S = 0.2


def main(connection: str, lifeline: str, log_level: str, *handlers: str) -> None:
    """Answers each request of the worker with its handler's outcome, until the worker hangs up.

    `connection` and `lifeline` are file descriptors: the socket to the worker, and a pipe that only the worker writes.
    """
    _end_with_worker(int(lifeline))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # an inherited handler might not end the process
    with suppress(OSError):  # Linux: out of memory, this process goes before its worker
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    send_output_in_lines(log_level)
    line = _Line(socket.socket(fileno=int(connection)))
    line.send(Kind.STARTED, 0)
    for path in handlers:
        with suppress(Exception):  # reported by the run that needs it
            load_handler(path)
    line.send(Kind.READY, 0)
    while (request := line.receive()) is not None:
        run, head, given = request
        _limit_processor_time(head["cpu_s"])
        answer = _run_handler(head, given, _reporter(line, run))
        with suppress(Exception):  # the handler may have closed or replaced it
            sys.stdout.flush()
        line.send(answer[0], run, *answer[1:])


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


def _run_handler(head: dict[str, Any], given: memoryview, report: Report) -> tuple[Any, ...]:
    """What the handler did, as a message's kind and payload. What can't be JSON is the handler's error, too."""
    try:
        handler = load_handler(head["handler"])
        rows, lessons = as_json(head["stage"], handler(read_input(given, head["stage"], head["files_root"]), report))
        if len(rows) > MAX_RESULT:
            raise StageFailed(
                f"Результат этапа слишком большой: {len(rows) / 2**20:.0f} МБ, можно не больше {MAX_RESULT // 2**20} МБ"
            )
    except StageFailed as error:
        message = _describe(error)
        faults = tuple(asdict(fault) for fault in error.faults)
        return _raised(f"StageFailed: {message}", message=cut(message, MAX_ERROR), final=True, faults=faults)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        return _raised(f"{type(error).__name__}: {_describe(error)}")
    return Kind.RETURNED, LESSONS.pack(lessons), rows


def _raised(
    error: str, message: str | None = None, *, final: bool = False, faults: tuple[dict[str, str], ...] = ()
) -> tuple[Kind, bytes]:
    raised = Raised(cut(error, MAX_ERROR), cut(traceback.format_exc(), MAX_TRACE), message, final, faults)
    return Kind.RAISED, orjson.dumps(raised)


def _describe(error: Exception) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - the exception is the handler's
        return f"(no text: {type(broken).__name__})"


class _Line:
    """The socket to the worker. Threads that a handler left behind may report while the next one runs."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._requests = parent.makefile("rb", buffering=0)
        self._sending = threading.Lock()

    def send(self, kind: Kind, run: int, *payload: bytes) -> None:
        with self._sending:
            self._parent.sendall(HEADER.pack(kind, run, sum(map(len, payload))))
            for part in payload:
                self._parent.sendall(part)

    def receive(self) -> tuple[int, dict[str, Any], memoryview] | None:
        """The next request: its run's number, what to run, and the input. None when the worker hung up."""
        header = self._read(HEADER.size)
        if header is None:
            return None
        _, run, length = HEADER.unpack(header)
        payload = self._read(length)
        if payload is None:
            return None
        end = bytes(payload[: 1 << 16]).index(b"\n")
        return run, orjson.loads(payload[:end]), payload[end + 1 :]

    def _read(self, length: int) -> memoryview | None:
        whole = rest = memoryview(bytearray(length))
        while rest:
            count = self._requests.readinto(rest)
            if not count:
                return None
            rest = rest[count:]
        return whole


def _reporter(line: _Line, run: int) -> Report:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= REPORT_EVERY_S:
            last = now
            line.send(Kind.REPORT, run, REPORT.pack(int(done), int(total)))

    return report


def _limit_processor_time(cpu_s: float | None) -> None:
    """The kernel ends this process with SIGXCPU once it has used so many seconds more."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    limit = most if cpu_s is None else int(time.process_time() + cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, most))


def _end_with_worker(lifeline: int) -> None:
    """The kernel kills this process's group when the worker ends, even if it is killed and code in C runs here.

    Elsewhere than on Linux this process ends when its handler does.
    """
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)
        if select.select([lifeline], [], [], 0)[0]:  # it ended before we asked
            os._exit(1)
