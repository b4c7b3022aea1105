"""Counters of the API's processes, for Prometheus.

The server's processes count in memory-mapped files, so that each of them can report for all. Any other process counts
for itself.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

#: The library reads the folder of these files from this variable.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: In seconds. An admission takes tens of milliseconds, and no response more than five seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_COUNTER_FILE = re.compile(r"(counter|histogram|gauge_[a-z]+)_[0-9]+\.db")

# The library shares counters whenever the variable is set, and commands may inherit the server's environment.
values.ValueClass = values.MutexValue


@contextmanager
def shared_counters(folder: Path | None) -> Iterator[None]:
    """Processes forked in the block count together, from zero, in that folder or a temporary one.

    Enter it before the process counts anything.
    """
    scratch = folder or Path(tempfile.mkdtemp(prefix="course-generation-"))
    scratch.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():
        if _COUNTER_FILE.fullmatch(left.name):
            left.unlink()
    os.environ[FOLDER_VARIABLE] = str(scratch)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if folder is None:
            shutil.rmtree(scratch, ignore_errors=True)


class Counters(Collector):
    """The counters of one process; `collect` yields those of all."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("http_requests", "HTTP requests.", ["route", "method", "status"], registry=registry)
        self.seconds = Histogram(
            "http_request_duration_seconds",
            "Request duration, excluding queueing; for streams, time to first byte.",
            ["route", "method"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.admissions = Counter(
            "coursegen_admissions", "Admission requests by outcome.", ["source", "outcome"], registry=registry
        )
        self.streams = Gauge(
            "coursegen_event_streams", "Open event streams.", registry=registry, multiprocess_mode="livesum"
        )

    def collect(self) -> Iterable[Metric]:
        if values.ValueClass is values.MutexValue:
            return self._registry.collect()
        _remove_dead_processes(Path(os.environ[FOLDER_VARIABLE]))
        return cast(Iterable[Metric], MultiProcessCollector(None).collect())  # type: ignore[no-untyped-call]


def _remove_dead_processes(folder: Path) -> None:
    """Removes the live gauges of processes that have ended. A killed process does not remove its own."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another scrape removed it first
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
