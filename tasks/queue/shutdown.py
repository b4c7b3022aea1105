"""Ends a worker in bounded time: on a signal, or once it has lost its pulse.

Until its last job has ended the worker goes on as ever, but takes no more: it sends heartbeats and hears aborts.
Procrastinate's own shutdown would end both first.
"""

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Collection, Coroutine
from queue import SimpleQueue
from types import FrameType
from typing import Any

from app.telemetry.log import exit_now
from tasks.queue.pulse import Pulse

#: SIGHUP: the terminal was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: The exit code of a process that lost its pulse, or whose grace ended before it had handed back all jobs. Take-over
#: handles the rest.
CUT_SHORT = 1
#: The part of the grace after which the process exits: the last lines of the log take a moment.
SAFE = 0.95
#: Seconds between looks at the jobs that have to end.
TICK_S = 0.05

log = logging.getLogger(__name__)


class Shutdown:
    """The end of a worker that runs the jobs in `held`.

    `closed`: it takes no more jobs and begins no more stages. `hands_back`: it stops the stages that still run.
    """

    def __init__(self, grace_s: float, held: Collection[int]) -> None:
        self._grace_s, self._held = grace_s, held
        self._exit_is_limited = False
        #: A signal handler may put into it at any moment.
        self._limits: SimpleQueue[None] = SimpleQueue()
        self._wakes = asyncio.Event()
        self._is_lost = False
        self.closed = threading.Event()
        self.hands_back = threading.Event()

    async def run(self, run: Coroutine[Any, Any, None], pulse: Pulse, *, forever: bool) -> None:
        """Runs the worker to its end. Exits with 1 if that is not a signal's doing and the worker should run `forever`.

        After a signal, jobs have half of the grace to end and half to be handed back. The process is gone after the
        grace, even if a thread hangs. A second SIGINT or SIGTERM ends it at once. After the loss of the pulse, jobs
        have as long as they need.
        """
        loop = asyncio.get_running_loop()
        worker = asyncio.ensure_future(run)
        # Started now: when it is needed, the host may have no thread left.
        threading.Thread(target=self._exit_in_time, name="exit", daemon=True).start()

        def on_signal(number: int, frame: FrameType | None) -> None:
            for each in SIGNALS:
                signal.signal(each, signal.SIG_IGN if each == signal.SIGHUP else signal.SIG_DFL)
            self._limit_exit()
            self.closed.set()
            loop.call_soon_threadsafe(self._wakes.set)

        def on_loss() -> None:
            self._is_lost = True
            self.closed.set()
            self._wakes.set()

        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves SIGHUP
                signal.signal(number, on_signal)
        end_watch = pulse.watch(loop, on_loss)
        draining = asyncio.create_task(self._drain(worker))
        try:
            await worker
        except asyncio.CancelledError:
            if not self.closed.is_set():
                raise
        finally:
            self._limit_exit()
            end_watch()
            draining.cancel()
        if self._is_lost or (forever and not self.closed.is_set()):
            sys.exit(CUT_SHORT)

    async def _drain(self, worker: asyncio.Future[None]) -> None:
        await self._wakes.wait()
        log.info("worker_drains", extra={"jobs": len(self._held)})
        half = asyncio.get_running_loop().time() + self._grace_s / 2
        while self._held:
            # A signal may follow the loss of the pulse.
            if self._exit_is_limited and asyncio.get_running_loop().time() >= half:
                self.hands_back.set()
            await asyncio.sleep(TICK_S)
        self._limit_exit()
        worker.cancel()

    def _limit_exit(self) -> None:
        """The process ends after the grace at the latest: a thread that waits for a server can't be cancelled."""
        self._exit_is_limited = True
        self._limits.put(None)

    def _exit_in_time(self) -> None:
        self._limits.get()
        time.sleep(self._grace_s * SAFE)
        log.error("shutdown_cut_short")
        exit_now(CUT_SHORT)
