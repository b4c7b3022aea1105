"""Handlers in child processes, from a warm pool: killable, unable to block the worker, their memory given back."""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from pipeline.child import Raised, Returned, run_handler, warm_up
from pipeline.contract import StageInput

#: How often a running handler is looked at: reports, a wish to stop.
POLL_S = 0.1
#: A child is replaced after this many stages, so that what a handler leaks is given back.
STAGES_PER_CHILD = 100

log = logging.getLogger(__name__)


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


class Children:
    """A pool of `size` child processes, started with the first handler or by `start`."""

    def __init__(self, size: int, handlers: Iterable[str]) -> None:
        self._size = size
        self._handlers = tuple(handlers)
        self._context = multiprocessing.get_context("forkserver")
        self._changing = threading.Lock()
        self._pool: ProcessPool | None = None

    def start(self) -> ProcessPool:
        """The children run, or are about to, with every handler imported; returns their pool.

        They are forked by a server of their own that never had threads or connections, so the time is free. A pool
        that broke (it does when an idle child dies) is replaced.
        """
        with self._changing:
            if self._pool is not None and not self._pool.active:
                log.warning("children_replaced")
                self._stop()
            if self._pool is None:
                self._pool = self._make()
            return self._pool

    def stop(self) -> None:
        """No child is left, whatever it was doing."""
        with self._changing:
            self._stop()

    def run(
        self,
        handler: str,
        stage_input: StageInput,
        *,
        timeout_s: float,
        on_report: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        """How the handler ended. `on_report` is called in this thread; what it raises ends the handler and goes on.

        The time is the handler's own, by a clock that nobody sets.
        """
        try:
            return self._run(handler, stage_input, timeout_s, on_report, should_stop)
        except BrokenProcessPool:
            # That was not the handler's doing, and it has no effects of its own: it may begin again.
            return self._run(handler, stage_input, timeout_s, on_report, should_stop)

    def _run(
        self,
        handler: str,
        stage_input: StageInput,
        timeout_s: float,
        on_report: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        reader, writer = self._context.Pipe(duplex=False)
        future = _schedule(self.start(), handler, stage_input, writer)
        began: float | None = None
        try:
            while not wait([future], timeout=POLL_S).done:
                if should_stop():
                    return Stopped()
                if began is None and future.running():
                    began = time.monotonic()
                if began is not None and time.monotonic() - began > timeout_s:
                    return TimedOut()
                _pass_on(reader, on_report)
            return _outcome(future)
        finally:
            # A finished one doesn't mind; a running one is killed.
            future.cancel()  # type: ignore[no-untyped-call]
            reader.close()
            writer.close()

    def _make(self) -> ProcessPool:
        self._context.set_forkserver_preload(["pipeline.child"])
        pool = ProcessPool(
            max_workers=self._size,
            max_tasks=STAGES_PER_CHILD,
            initializer=warm_up,
            initargs=(self._handlers,),
            context=self._context,
        )
        for _ in range(self._size):
            pool.schedule(os.getpid)
        return pool

    def _stop(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _schedule(pool: ProcessPool, handler: str, stage_input: StageInput, writer: Connection) -> "ProcessFuture[Any]":
    try:
        return pool.schedule(run_handler, args=(handler, stage_input, writer))
    except RuntimeError as error:  # it broke this very moment
        raise BrokenProcessPool(str(error)) from error


def _pass_on(reader: Connection, on_report: Callable[[int, int], None]) -> None:
    latest = None
    while reader.poll():
        try:
            latest = reader.recv()
        except (EOFError, OSError):
            break
    if latest is not None:
        on_report(*latest)


def _outcome(future: "ProcessFuture[Any]") -> Outcome:
    try:
        result: Outcome = future.result()
    except CancelledError:
        return Stopped()
    except BrokenProcessPool:
        raise
    except ProcessExpired as error:
        return Died(error.exitcode or 0)
    except Exception as error:  # noqa: BLE001 - a result that can't be pickled
        return Raised(f"{type(error).__name__}: {error}", "")
    return result
