"""The server's processes: forked, started again when they die, and stopped with the one that started them."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess

#: A process that was started again and lives less than this has a fault that another start does not fix.
SHORT_LIFE_S = 5.0
#: The part of the grace after which processes are killed; the rest is for the end of the one that started them.
KILLED_AFTER = 0.8

log = logging.getLogger(__name__)


#: What ends the server, and what says that a process has ended.
ENDS = frozenset({signal.SIGTERM, signal.SIGINT})
AWAITED = ENDS | {signal.SIGCHLD}


def hold_signals() -> None:
    """Signals wait for `run_processes`. A thread that was started before this would take them, and lose them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)


def run_processes(count: int, serve: Callable[[int], None], grace_s: float) -> bool:
    """Runs `serve(0)` … `serve(count - 1)`, each in a process, until SIGTERM or SIGINT. False: a process kept dying.

    On return all have ended: they get SIGTERM, and are killed before `grace_s` is over. Signals are blocked where
    `serve` begins; it unblocks them once it handles them.
    """
    hold_signals()
    running = {number: _start(serve, number) for number in range(count)}
    restarted: set[int] = set()
    while signal.sigwait(AWAITED) not in ENDS:
        for number, (process, started) in list(running.items()):
            if process.is_alive():
                continue
            log.error("server_process_died", extra={"pid": process.pid, "exitcode": process.exitcode})
            if number in restarted and time.monotonic() - started < SHORT_LIFE_S:
                _stop([process for process, _ in running.values()], grace_s)
                return False
            running[number] = _start(serve, number)
            restarted.add(number)
    _stop([process for process, _ in running.values()], grace_s)
    return True


def _start(serve: Callable[[int], None], number: int) -> tuple[ForkProcess, float]:
    process = multiprocessing.get_context("fork").Process(target=serve, args=(number,), name=f"server-{number}")
    process.start()
    return process, time.monotonic()


def _stop(processes: list[ForkProcess], grace_s: float) -> None:
    end = time.monotonic() + KILLED_AFTER * grace_s
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
        if process.is_alive():
            log.warning("server_process_killed", extra={"pid": process.pid})
            process.kill()
            process.join()
