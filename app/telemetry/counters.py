"""What the API's processes count, for Prometheus.

The server's processes count in memory-mapped files, each in its own, so that whichever is asked tells for all. Every
other process counts for itself.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

#: Where the library looks for the folder, in every process.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: In seconds; admissions take some tens of milliseconds, and no answer more than five seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_COUNTED = re.compile(r"(counter|histogram|gauge_[a-z]+)_[0-9]+\.db")

# The library shares as soon as that is set, and commands may be started with the server's environment.
values.ValueClass = values.MutexValue


@contextmanager
def shared_counts(folder: Path | None) -> Iterator[None]:
    """Processes forked in the block count together, from zero on: in that folder, else in one of their own.

    Nothing was counted in this process before.
    """
    scratch = folder or Path(tempfile.mkdtemp(prefix="course-generation-"))
    scratch.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():
        if _COUNTED.fullmatch(left.name):
            left.unlink()
    os.environ[FOLDER] = str(scratch)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if folder is None:
            shutil.rmtree(scratch, ignore_errors=True)


class Instruments:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "From a request's arrival in its thread to its answer; of a stream, to its beginning.",
            ["route", "method"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._admissions = Counter(
            "coursegen_admissions", "Wishes to start a generation.", ["source", "outcome"], registry=self._registry
        )
        self.streams = Gauge(
            "coursegen_event_streams", "Courses followed live.", registry=self._registry, multiprocess_mode="livesum"
        )
        self._of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._of_source: dict[tuple[str, str], Counter] = {}

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        key = route, method, status
        if (found := self._of_route.get(key)) is None:  # asking the library each time would double the time
            found = self._requests.labels(route, method, status), self._seconds.labels(route, method)
            self._of_route[key] = found
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)

    def count_admission(self, source: str, outcome: str) -> None:
        key = source, outcome
        if (found := self._of_source.get(key)) is None:
            found = self._of_source[key] = self._admissions.labels(source, outcome)
        found.inc()

    def gather(self, more: Iterable[Metric]) -> Collector:
        """What all processes counted, and `more`, for one scrape."""
        registry = CollectorRegistry()
        if values.ValueClass is not values.MutexValue:
            _forget_the_dead(Path(os.environ[FOLDER]))
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(_Fixed(self._registry.collect()))
        registry.register(_Fixed(more))
        return registry


class _Fixed(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _forget_the_dead(folder: Path) -> None:
    """What a process had open is closed when it is gone, though it could not say so."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another scrape was faster
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
