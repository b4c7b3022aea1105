"""What runs in a child process: one handler, found by its dotted path, its outcome told in plain data."""

import importlib
import multiprocessing
import os
import pickle
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from pipeline.contract import Report, StageFailed, StageInput

#: Reports are sent at most this often; the last one always.
REPORT_EVERY_S = 0.2


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
        except Exception:  # noqa: BLE001, S112 - told by the run that needs it
            continue


def run_handler(path: str, stage_input: StageInput, reports: Connection) -> Returned | Raised:
    """What the handler did; raises nothing of its own, so that whatever it raised can cross the border."""
    try:
        result = load_handler(path)(stage_input, _reporter(reports))
        pickle.dumps(result)  # what can't cross the border is the handler's error, told like any other
        return Returned(result)
    except StageFailed as error:
        return Raised(f"StageFailed: {error}", traceback.format_exc(), message=str(error), final=True)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        return Raised(f"{type(error).__name__}: {error}", traceback.format_exc())


def _reporter(reports: Connection) -> Report:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= REPORT_EVERY_S:
            last = now
            reports.send((done, total))

    return report


def _end_with_parent() -> None:
    # A pipe tells, whose other end only the worker has: closed by whatever death, and unlike a pid never reused.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
