"""Stops a worker on SIGINT or SIGTERM, in bounded time."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: The exit code of a process whose grace ended before it had handed back all jobs; take-over handles the rest.
CUT_SHORT = 1

log = logging.getLogger(__name__)


async def run_until_signalled(run: Coroutine[Any, Any, None], grace_s: float, on_stop: Callable[[], None]) -> None:
    """Runs the worker to its end. SIGINT and SIGTERM call `on_stop` and cancel it.

    The process exits `grace_s` after the signal at the latest: a thread that waits for a hanging database can't be
    cancelled. A second signal ends it at once.
    """
    loop = asyncio.get_running_loop()
    worker = asyncio.ensure_future(run)
    signalled = False

    def uninstall() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def stop() -> None:
        nonlocal signalled
        signalled = True
        on_stop()
        uninstall()
        exit_timer = threading.Timer(grace_s, _exit)  # a thread, which outlives the event loop
        exit_timer.daemon = True
        exit_timer.start()
        worker.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await worker
    except asyncio.CancelledError:
        if not signalled:
            raise
    finally:
        uninstall()


def _exit() -> None:
    log.error("shutdown_cut_short")
    os._exit(CUT_SHORT)
