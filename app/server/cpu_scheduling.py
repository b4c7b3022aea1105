"""How the kernel runs the threads of the API's processes. Why, with figures: docs/decisions (CPU pinning).

A Python process runs one thread at a time, and its threads wake each other for every request. A woken thread that runs
at once, on another CPU or in place of the one that woke it, has to wait all the same, and the caches lost its data.
"""

import multiprocessing
import os
from collections import Counter
from contextlib import suppress


def disable_wakeup_preemption() -> None:
    """A woken thread of this process, or of one forked later, does not interrupt the thread that runs."""
    if hasattr(os, "SCHED_BATCH"):  # Linux
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def pin_each_child_to_a_cpu(processes: int) -> None:
    """Pins each process forked later to a CPU of its own, if this one may use exactly as many CPUs as `processes`."""
    if not hasattr(os, "sched_getaffinity"):  # Linux
        return
    cpus = os.sched_getaffinity(0)
    if len(cpus) == processes:
        # A child inherits what its parent has at that moment.
        os.register_at_fork(
            before=lambda: os.sched_setaffinity(0, {_least_used(cpus)}),
            after_in_parent=lambda: os.sched_setaffinity(0, cpus),
        )


def _least_used(cpus: set[int]) -> int:
    """The CPU that fewest children have, so a new child gets the CPU of one that died."""
    used = Counter(cpu for child in multiprocessing.active_children() for cpu in _cpus_of(child.pid))
    return min(sorted(cpus), key=lambda cpu: used[cpu])


def _cpus_of(pid: int | None) -> set[int]:
    try:
        return os.sched_getaffinity(pid or 0)
    except ProcessLookupError:  # it has just ended
        return set()
