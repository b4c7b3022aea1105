"""A worker's pulse: it serves, or its process ends.

A worker serves while it fetches a job, or finds none, within `stalled_s`, or while all its places are taken: every wait
of a job has a limit of its own. A thread watches that, since the event loop itself may hang.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from app.telemetry.log import exit_now

#: How many times within `stalled_s` the thread looks.
LOOKS = 20

log = logging.getLogger(__name__)


class Pulse:
    """Counts what a worker's work proves. `is_busy`: all places are taken, or the worker fetches no more."""

    def __init__(self, stalled_s: float, is_busy: Callable[[], bool]) -> None:
        self._stalled_s = stalled_s
        self._is_busy = is_busy
        self._beats = 0
        self._reported = 0
        self._turns = 0
        #: Why the last fetch failed.
        self.problem = "the queue's connection does not answer"

    def beat(self) -> None:
        """The worker has fetched, or found nothing."""
        self._beats += 1

    def has_beaten(self) -> bool:
        """Whether the worker has served since the last call. A heartbeat is sent only then."""
        beats, self._reported = self._reported, self._beats
        return self._beats > beats or self._is_busy()

    def watch(self, loop: asyncio.AbstractEventLoop, on_loss: Callable[[], None]) -> Callable[[], None]:
        """Starts the thread, and returns what ends it.

        It calls `on_loss` in the loop once the pulse is lost, and ends the process if the loop itself hangs.
        """
        ended = threading.Event()
        threading.Thread(target=self._watch, args=(loop, on_loss, ended), name="pulse", daemon=True).start()
        return ended.set

    def _watch(self, loop: asyncio.AbstractEventLoop, on_loss: Callable[[], None], ended: threading.Event) -> None:
        # Counted in looks, not seconds: for a process that was suspended as a whole no time has passed.
        beats = turns = -1
        silent = hung = 0
        while not ended.wait(self._stalled_s / LOOKS):
            silent = 0 if self._beats != beats or self._is_busy() else silent + 1
            hung = 0 if self._turns != turns else hung + 1
            beats, turns = self._beats, self._turns
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(self._turn)
                if silent == LOOKS:
                    self._report(self.problem)
                    loop.call_soon_threadsafe(on_loss)
            if hung == LOOKS:
                self._report("the event loop hangs")
                exit_now(1)

    def _turn(self) -> None:
        self._turns += 1

    def _report(self, reason: str) -> None:
        log.error("worker_stalled", extra={"reason": reason, "seconds": self._stalled_s})
