"""Handlers in child processes, from a warm pool: a handler can be killed, and can't block the worker or leak memory.

The pool is our own: libraries put threads and queues between a call and its child, which cost more than all else about
an empty stage but its SQL. Here the thread that runs a stage talks to the child over its socket.
"""

import logging
import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable, Iterable

from pipeline.child import Returned
from pipeline.contract import StageInput
from tasks.stages.child_process import POLL_S, Child, Died, Outcome, Stopped

#: A child is replaced after this many stages, which frees what a handler leaks.
STAGES_PER_CHILD = 100
#: How many new children may die before a handler has begun in one of them.
NEW_CHILDREN = 2
#: When a child that could not be started is tried again.
RESTART_S = 1.0

log = logging.getLogger(__name__)


class Children:
    """A pool of `size` child processes, started with the first handler or by `start`."""

    def __init__(self, size: int, handlers: Iterable[str]) -> None:
        self._size = size
        self._handlers = tuple(handlers)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["pipeline.child"])
        self._changed = threading.Condition()
        self._all: set[Child] = set()
        self._idle: list[Child] = []
        self._starts_at = 0.0

    def start(self) -> None:
        """Starts the children, which import every handler. A fork server without threads forks them."""
        with self._changed:
            self._fill()

    def stop(self) -> None:
        """Ends every child, also those that run a handler."""
        with self._changed:
            ended, idle, self._all, self._idle = self._all, self._idle, set(), []
        for child in ended:
            child.terminate()
        for child in ended:
            child.end()
        for child in idle:
            child.close()  # the thread in `run` closes each other one

    def run(
        self,
        handler: str,
        stage_input: StageInput,
        *,
        timeout_s: float,
        on_report: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        """Returns how the handler ended. Calls `on_report` in this thread; an error that it raises ends the handler.

        The timeout starts when the handler does.
        """
        request = pickle.dumps((handler, stage_input), pickle.HIGHEST_PROTOCOL)
        exit_code = 0
        for _ in range(self._size + NEW_CHILDREN):
            child = self._acquire(should_stop)
            if child is None:
                return Stopped()
            try:
                outcome = child.run(request, timeout_s, on_report, should_stop)
            finally:
                is_pooled = self._release(child)
            if not is_pooled and not isinstance(outcome, Returned):
                return Stopped()
            if outcome is not None:
                return outcome
            # The handler has not begun, so it is not to blame and may begin in another child.
            exit_code = child.exit_code
            log.warning("children_replaced", extra={"exitCode": exit_code})
        return Died(exit_code)

    def _acquire(self, should_stop: Callable[[], bool]) -> Child | None:
        """Waits for an idle child; None if `should_stop` returns true first."""
        while not should_stop():
            with self._changed:
                self._fill()
                if self._changed.wait_for(lambda: self._idle, POLL_S):
                    return self._idle.pop()
        return None

    def _release(self, child: Child) -> bool:
        """Makes the child idle again, or replaces it. False if the pool was stopped meanwhile."""
        with self._changed:
            is_pooled = child in self._all
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
                child = Child(self._context, self._handlers)
            except OSError as error:  # no memory, process or descriptor is left: no handler is to blame
                self._starts_at = time.monotonic() + RESTART_S
                log.warning("child_not_started", extra={"error": str(error)})
                return
            self._all.add(child)
            self._idle.insert(0, child)  # behind those that are warm
