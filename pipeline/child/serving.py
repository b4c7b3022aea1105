"""What runs in a child process: one handler after another, found by its dotted path. Its outcome is plain data."""

import fcntl
import importlib
import math
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from pipeline.child.line import Line, RunLine
from pipeline.child.output import send_output_in_lines
from pipeline.child.stage_data import as_json, read_input
from pipeline.child.wire import LESSONS, MAX_ERROR, MAX_RESULT, MAX_TRACE, Kind, Raised, cut
from pipeline.contract import BudgetExhausted, ProviderBusy, StageFailed, StageInput
from pipeline.work import Work


def main(connection: str, lifeline: str, log_level: str, *handlers: str) -> None:
    """Answers each request of the worker with its handler's outcome, until the worker hangs up.

    `connection` and `lifeline` are file descriptors: the socket to the worker, and a pipe that only the worker writes.
    """
    _end_with_worker(int(lifeline))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # an inherited handler might not end the process
    with suppress(OSError):  # Linux: out of memory, this process goes before its worker
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    send_output_in_lines(log_level)
    line = Line(socket.socket(fileno=int(connection)))
    line.send(Kind.STARTED, 0)
    for path in handlers:
        with suppress(Exception):  # reported by the run that needs it
            load_handler(path)
    line.send(Kind.READY, 0)
    while (request := line.receive()) is not None:
        run, head, given = request
        _limit_processor_time(head["cpu_s"])
        of_run = RunLine(line, run)
        answer = _run_handler(head, given, of_run)
        of_run.end()
        with suppress(Exception):  # the handler may have closed or replaced it
            sys.stdout.flush()
        line.send(answer[0], run, *answer[1:])


def load_handler(path: str) -> Callable[[StageInput, Work], Any]:
    """The function at the dotted path. Raises ImportError with the path where there is none."""
    module, _, name = path.rpartition(".")
    try:
        handler = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImportError(f"No handler at {path}: {error}") from error
    if not callable(handler):
        raise ImportError(f"The handler at {path} can't be called")
    return handler  # type: ignore[no-any-return]


def _run_handler(head: dict[str, Any], given: memoryview, line: RunLine) -> tuple[Any, ...]:
    """What the handler did, as a message's kind and payload. What can't be JSON is the handler's error, too."""
    try:
        handler = load_handler(head["handler"])
        stage_input = read_input(given, head["stage"], head["files_root"])
        work = Work(stage_input.course.id, head["stage"], head["handler"], line.report, line.ask)
        rows, lessons = as_json(head["stage"], handler(stage_input, work))
        if len(rows) > MAX_RESULT:
            raise StageFailed(
                f"Результат этапа слишком большой: {len(rows) / 2**20:.0f} МБ, можно не больше {MAX_RESULT // 2**20} МБ"
            )
    except (StageFailed, BudgetExhausted) as error:
        message = _describe(error)
        faults = tuple(asdict(fault) for fault in getattr(error, "faults", ()))
        return _raised(f"{type(error).__name__}: {message}", message=cut(message, MAX_ERROR), final=True, faults=faults)
    except ProviderBusy as error:
        return _raised(f"ProviderBusy: {_describe(error)}", is_busy=True, pause_s=_seconds(error.retry_after_s))
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        return _raised(f"{type(error).__name__}: {_describe(error)}")
    return Kind.RETURNED, LESSONS.pack(lessons), rows


def _raised(error: str, **more: Any) -> tuple[Kind, bytes]:
    return Kind.RAISED, orjson.dumps(Raised(cut(error, MAX_ERROR), cut(traceback.format_exc(), MAX_TRACE), **more))


def _seconds(value: object) -> float | None:
    """The wait that a handler passed on; None if it is no number of seconds."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _describe(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - the exception is the handler's
        return f"(no text: {type(broken).__name__})"


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
