"""Handlers in child processes, from warm pools: a handler can be killed, and can't block the worker or leak memory.

The pools are our own: libraries put threads and queues between a call and its child, which cost more than all else
about an empty stage but its SQL. Here the thread that runs a stage talks to the child over its socket.
"""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.settings.stages import StageLimits
from pipeline.child.wire import Returned
from tasks.stages.child_process import Child, Died, Outcome, Request
from tasks.stages.secret_values import hide_secrets
from tasks.stages.watch import POLL_S, Answer, Calls, Stopped

#: A child is replaced after this many stages, which frees what a handler leaks.
STAGES_PER_CHILD = 200
#: How many new children may die before a handler has begun in one of them.
NEW_CHILDREN = 2
#: When a child that could not be started is tried again, and for how long before the worker is given up.
RESTART_S, START_PATIENCE_S = 1.0, 30.0

#: What every handler's process has of the worker's environment.
COMMON_VARIABLES = (
    *("PATH", "HOME", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TMPDIR", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONFAULTHANDLER", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)

log = logging.getLogger(__name__)


def _answer_nothing(question: dict[str, Any], result: memoryview) -> tuple[dict[str, Any], bytes]:
    raise LookupError("Nobody answers the handler's questions here")


def _ignore(lines: str) -> None:
    """Keeps no log."""


def _start_child(names: tuple[str, ...], log_level: str, handlers: tuple[str, ...]) -> Child:
    """A child with these variables, as they are now, beside the common ones."""
    own = {name: os.environ[name] for name in names if name in os.environ}
    common = {name: os.environ[name] for name in COMMON_VARIABLES if name in os.environ}
    return Child(common | own, log_level, handlers, hide_secrets(own))


class Children:
    """Child processes for `size` handlers at a time, started with the first handler or by `start`.

    `handlers` and `variables` are by stage. Stages that get the same variables of the environment share a pool.
    `on_unavailable` is called when no child could be started for `START_PATIENCE_S` while a stage waited for one.
    """

    def __init__(
        self,
        size: int,
        handlers: Mapping[str, str],
        variables: Mapping[str, tuple[str, ...]],
        *,
        log_level: str = "INFO",
        on_unavailable: Callable[[], None],
    ) -> None:
        stages = defaultdict(list)
        for stage in handlers:
            stages[variables.get(stage, ())].append(stage)
        self._pools: dict[str, _Pool] = {}
        for names, sharing in stages.items():
            paths = tuple(dict.fromkeys(handlers[stage] for stage in sharing))
            start = partial(_start_child, names, log_level, paths)
            self._pools |= dict.fromkeys(sharing, _Pool(size, start, on_unavailable))

    def start(self) -> None:
        """Starts the children, which import the handlers of their stages."""
        for pool in set(self._pools.values()):
            pool.start()

    def stop(self) -> None:
        """Ends every child, also those that run a handler."""
        pools = set(self._pools.values())
        for pool in pools:
            pool.terminate()
        for pool in pools:
            pool.end()

    def run(
        self,
        request: Request,
        limits: StageLimits,
        *,
        on_report: Callable[[float, int], None],
        should_stop: Callable[[], bool],
        answer: Answer = _answer_nothing,
        on_log: Callable[[str], None] = _ignore,
    ) -> Outcome:
        """Returns how the handler ended. Calls these functions in this thread, as `Calls` describes them.

        The limits count from when the handler begins.
        """
        return self._pools[request.stage].run(request, limits, Calls(on_report, should_stop, answer, on_log))


class _Pool:
    """The children with one environment."""

    def __init__(self, size: int, start: Callable[[], Child], on_unavailable: Callable[[], None]) -> None:
        self._size = size
        self._start = start
        self._on_unavailable = on_unavailable
        self._changed = threading.Condition()
        self._all: set[Child] = set()
        self._idle: list[Child] = []
        self._starts_at = 0.0
        #: Since when no child has started, though one was needed.
        self._fails_since: float | None = None

    def start(self) -> None:
        with self._changed:
            self._fill()

    def terminate(self) -> None:
        with self._changed:
            for child in self._all:
                child.terminate()

    def end(self) -> None:
        with self._changed:
            ended, idle, self._all, self._idle = self._all, self._idle, set(), []
        for child in ended:
            child.end()
        for child in idle:
            child.close()  # the thread in `run` closes each other one

    def run(self, request: Request, limits: StageLimits, calls: Calls) -> Outcome:
        deaths = 0
        while (child := self._acquire(calls.should_stop)) is not None:
            try:
                outcome = child.run(request, limits, calls)
            finally:
                is_pooled = self._release(child)
            if not is_pooled and not isinstance(outcome, Returned):
                break
            if outcome is not None:
                return outcome
            # The handler has not begun, so it is not to blame and may begin in another child.
            log.warning("child_replaced", extra={"exitCode": child.exit_code})
            deaths += child.has_started
            if deaths >= self._size + NEW_CHILDREN:
                return Died(child.exit_code)
        return Stopped()

    def _acquire(self, should_stop: Callable[[], bool]) -> Child | None:
        """Waits for an idle child; None if `should_stop` returns true first, or if no child can be started."""
        while not should_stop():
            with self._changed:
                self._fill()
                if self._changed.wait_for(lambda: self._idle, POLL_S):
                    return self._idle.pop()
                fails_since = self._fails_since
            if fails_since is not None and time.monotonic() - fails_since > START_PATIENCE_S:
                log.error("children_unavailable")
                self._on_unavailable()
                return None
        return None

    def _release(self, child: Child) -> bool:
        """Makes the child idle again, or replaces it. False if the pool was stopped meanwhile."""
        with self._changed:
            is_pooled = child in self._all
            if child.has_started:
                self._fails_since = None
            elif child.has_ended:
                self._delay_starts("the process ended before it began")
            if is_pooled and child.is_free and child.runs < STAGES_PER_CHILD:
                self._idle.append(child)
                self._changed.notify()
                return True
        # Before another child starts: this one's memory may be all there is.
        child.end()
        child.close()
        with self._changed:
            if child in self._all:
                self._all.remove(child)
                self._fill()
                self._changed.notify()
        return is_pooled

    def _fill(self) -> None:
        while len(self._all) < self._size and time.monotonic() >= self._starts_at:
            try:
                child = self._start()
            except OSError as error:  # no memory, process or descriptor is left: no handler is to blame
                self._delay_starts(str(error))
                return
            self._all.add(child)
            self._idle.insert(0, child)  # behind those that are warm

    def _delay_starts(self, why: str) -> None:
        now = time.monotonic()
        self._starts_at = now + RESTART_S
        self._fails_since = self._fails_since or now
        log.warning("child_not_started", extra={"error": why})
