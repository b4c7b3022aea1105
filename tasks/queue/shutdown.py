"""A worker's end: asked for by a signal, and sure to come."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Of a process whose grace was over before all it had in hand was handed back; take-over sees to the rest.
CUT_SHORT = 1

log = logging.getLogger(__name__)


async def run_until_signalled(run: Coroutine[Any, Any, None], grace_s: float, on_stop: Callable[[], None]) -> None:
    """The worker has run to its end; SIGINT and SIGTERM ask for it: they call `on_stop` and cancel the worker.

    `grace_s` after the signal the process ends, whatever still holds it: a thread that waits for a database that hangs
    can't be cancelled. So does a second signal, at once.
    """
    loop = asyncio.get_running_loop()
    worker = asyncio.ensure_future(run)
    asked = False

    def uninstall() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def stop() -> None:
        nonlocal asked
        asked = True
        on_stop()
        uninstall()
        end = threading.Timer(grace_s, _end)
        end.daemon = True
        end.start()
        worker.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await worker
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        uninstall()


def _end() -> None:
    log.error("shutdown_cut_short")
    os._exit(CUT_SHORT)
