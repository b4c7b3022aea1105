"""How the kernel is to run the threads of the API's processes.

A process of Python runs one thread at a time, and its threads wake one another for every request. One that runs at
once, because another CPU is idle or in place of the one that woke it, has to wait all the same, and what the caches
held is gone.
"""

import multiprocessing
import os
from collections import Counter
from contextlib import suppress


def let_wakers_go_on() -> None:
    """A thread of this process, or of one forked from now on, that is woken begins when another has stopped by itself.

    It waits for its turn on a CPU that is busy, be it with other processes; an idle one has it at once.
    """
    if hasattr(os, "SCHED_BATCH"):  # not every system has it
        with suppress(OSError):  # nor every sandbox allows it, and without it all goes on as well, only slower
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def give_each_its_own(processes: int) -> None:
    """Processes forked from now on have a CPU each, if this one may use exactly so many; otherwise nothing changes.

    With fewer or more CPUs the kernel knows better: of more, others may be given those that were chosen here, as in
    containers that share a machine.
    """
    if not hasattr(os, "sched_getaffinity"):  # not every system has it
        return
    cpus = os.sched_getaffinity(0)
    if len(cpus) == processes:
        # A child is born with what its parent has at that moment, so that the next choice sees it.
        os.register_at_fork(
            before=lambda: os.sched_setaffinity(0, {_least_used(cpus)}),
            after_in_parent=lambda: os.sched_setaffinity(0, cpus),
        )


def _least_used(cpus: set[int]) -> int:
    """The one that fewest of this process's children have. So the next child has that of one which died."""
    used = Counter(cpu for child in multiprocessing.active_children() for cpu in _cpus_of(child.pid))
    return min(sorted(cpus), key=lambda cpu: used[cpu])


def _cpus_of(pid: int | None) -> set[int]:
    try:
        return os.sched_getaffinity(pid or 0)
    except ProcessLookupError:  # it ended just now
        return set()
