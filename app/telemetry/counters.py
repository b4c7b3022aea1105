"""Counters of the API's processes, for Prometheus.

The server's processes count in memory that they share, so that each of them can report for all. Any other process
counts for itself.
"""

import logging
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from app.telemetry.shared_numbers import SLOT_BYTES, NumberTable, SharedNumbers

#: In seconds. An admission takes tens of milliseconds, and no response more than five seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

#: Tables beyond one for each server process: a new one may begin before its predecessor has ended.
SPARE_TABLES = 2

_shared: SharedNumbers | None = None

log = logging.getLogger(__name__)


@contextmanager
def shared_counters(processes: int) -> Iterator[None]:
    """Processes forked in the block, so many at a time, count together, from zero."""
    global _shared  # noqa: PLW0603 - what a process inherits by a fork
    _shared = SharedNumbers(processes + SPARE_TABLES)
    try:
        yield
    finally:
        _shared.close()
        _shared = None


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with one set of labels."""

    table: NumberTable
    key: bytes
    size: int = 1

    def inc(self, amount: float = 1) -> None:
        if not self.table.add(self.key, self.size, {0: amount}):
            log.warning("counter_not_kept", extra={"key": self.key.decode()})

    def dec(self) -> None:
        self.inc(-1)

    def observe(self, seconds: float) -> None:
        """Counts the value in its bucket; the last number is the sum."""
        self.table.add(self.key, self.size, {bisect_left(BUCKETS, seconds): 1, self.size - 1: seconds})


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with labels."""

    table: NumberTable
    name: str
    size: int = 1

    def labels(self, *values: object) -> Series:
        return Series(self.table, "\0".join((self.name, *map(str, values))).encode(), self.size)


class Counters(Collector):
    """The counters of one process; `collect` yields those of all."""

    def __init__(self) -> None:
        self._shared = _shared
        table = _shared.claim() if _shared is not None else None
        if table is None:
            self._shared, table = None, NumberTable(memoryview(bytearray(SLOT_BYTES)))
        self._table = table
        self.requests = Family(table, "http_requests")
        self.seconds = Family(table, "http_request_duration_seconds", len(BUCKETS) + 2)
        self.admissions = Family(table, "coursegen_admissions")
        self.streams = Series(table, _STREAMS)
        table.clear(_STREAMS)  # those of a process that has ended

    def collect(self) -> Iterator[Metric]:
        totals = self._add_up()
        requests = CounterMetricFamily("http_requests", "HTTP requests.", labels=["route", "method", "status"])
        seconds = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Request duration, excluding queueing; for streams, time to first byte.",
            labels=["route", "method"],
        )
        admissions = CounterMetricFamily(
            "coursegen_admissions", "Admission requests by outcome.", labels=["source", "outcome"]
        )
        for key, numbers in sorted(totals.items()):
            name, *labels = key.decode().split("\0")
            if name == seconds.name:
                seconds.add_metric(labels, _cumulate(numbers[:-1]), numbers[-1])
            elif name == requests.name:
                requests.add_metric(labels, numbers[0])
            elif name == admissions.name:
                admissions.add_metric(labels, numbers[0])
        [streams] = totals.get(_STREAMS, [0.0])
        yield from (requests, seconds, admissions)
        yield GaugeMetricFamily(_STREAMS.decode(), "Open event streams.", streams)

    def _add_up(self) -> dict[bytes, list[float]]:
        tables = [(self._table, True)] if self._shared is None else self._shared.tables()
        totals: dict[bytes, list[float]] = {}
        for table, lives in tables:
            for key, numbers in table.read().items():
                if lives or key != _STREAMS:
                    before = totals.get(key)
                    totals[key] = numbers if before is None else [a + b for a, b in zip(before, numbers, strict=True)]
        return totals


_STREAMS = b"coursegen_event_streams"


def _cumulate(counts: Sequence[float]) -> list[tuple[str, float]]:
    """The buckets as Prometheus has them: each counts the smaller ones, too."""
    total, buckets = 0.0, []
    for bound, count in zip((*BUCKETS, float("inf")), counts, strict=True):
        total += count
        buckets.append((floatToGoString(bound), total))  # type: ignore[no-untyped-call]
    return buckets
