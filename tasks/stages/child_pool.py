"""Handlers in child processes, from a warm pool: killable, unable to block the worker, their memory given back.

The pool is our own, because the libraries for it bring threads and queues between a call and its child, and pickle a
pipe for every call's reports: that took more of the worker than everything else about an empty stage but its SQL.
Here the thread that runs a stage talks to the child itself, over the socket the child was started with.
"""

import logging
import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterable

from pipeline.child import Returned
from pipeline.contract import StageInput
from tasks.stages.child_process import POLL_S, Child, Died, Outcome, Stopped

#: A child is replaced after this many stages, so that what a handler leaks is given back.
STAGES_PER_CHILD = 100
#: New children that may be gone before a handler has begun in one of them.
NEW_CHILDREN = 2

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

    def start(self) -> None:
        """The children run, or are about to, with every handler imported.

        They are forked by a server of their own that never had threads or connections, so the time is free.
        """
        with self._changed:
            self._fill()

    def stop(self) -> None:
        """No child is left, whatever it was doing."""
        with self._changed:
            gone, idle, self._all, self._idle = self._all, self._idle, set(), []
        for child in gone:
            child.terminate()
        for child in gone:
            child.kill()
        for child in idle:
            child.close()  # those of the others are closed by who waits for them

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
        request = pickle.dumps((handler, stage_input), pickle.HIGHEST_PROTOCOL)
        exit_code = 0
        for _ in range(self._size + NEW_CHILDREN):
            child = self._take(should_stop)
            if child is None:
                return Stopped()
            try:
                outcome = child.run(request, timeout_s, on_report, should_stop)
            finally:
                was_ours = self._give_back(child)
            if not was_ours and not isinstance(outcome, Returned):
                return Stopped()
            if outcome is not None:
                return outcome
            # That was not the handler's doing, which has not begun: it may begin in another.
            exit_code = child.exit_code
            log.warning("children_replaced", extra={"exitCode": exit_code})
        return Died(exit_code)

    def _take(self, should_stop: Callable[[], bool]) -> Child | None:
        """A child that nobody else has; None as soon as `should_stop` says so."""
        while True:
            with self._changed:
                self._fill()
                if self._idle or self._changed.wait_for(lambda: self._idle, POLL_S):
                    return self._idle.pop()
            if should_stop():
                return None

    def _give_back(self, child: Child) -> bool:
        """The child is idle again, or gone and replaced. False: the pool was stopped meanwhile."""
        with self._changed:
            ours = child in self._all
            if ours and child.is_free and child.runs < STAGES_PER_CHILD:
                self._idle.append(child)
                self._changed.notify()
                return True
            self._all.discard(child)
        # It is gone before another takes its place: its memory may be all there is.
        if child.is_free:
            child.leave()
        child.terminate()
        child.kill()
        child.close()
        if ours:
            with self._changed:
                self._fill()
                self._changed.notify()
        return ours

    def _fill(self) -> None:
        while len(self._all) < self._size:
            child = Child(self._context, self._handlers)
            self._all.add(child)
            self._idle.insert(0, child)  # behind those that are warm
