"""Events: what an operator must be able to count, one row of `system_metrics` each.

Where a transaction is at hand, `record(conn, …)` writes the event inside it. Where there is none,
`EventBuffer.add` keeps it in memory and writes it within a second, or when the database is back.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from app.database.queries import QUERIES

log = logging.getLogger(__name__)


class EventType(Enum):
    """What happened. Compared with the database's `metric_event_type` by a test."""

    JOB_ROLLBACK = "job_rollback"
    ORPHANED_JOB_RECOVERY = "orphaned_job_recovery"
    CONCURRENCY_LIMIT_HIT = "concurrency_limit_hit"
    WORKER_TIMEOUT = "worker_timeout"
    RPC_RETRY_EXHAUSTED = "rpc_retry_exhausted"
    DUPLICATE_JOB_DETECTED = "duplicate_job_detected"


class Severity(Enum):
    """How bad it is. Compared with the database's `metric_severity` by a test."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    FATAL = "fatal"


SEVERITIES = {
    EventType.JOB_ROLLBACK: Severity.ERROR,
    EventType.ORPHANED_JOB_RECOVERY: Severity.WARN,
    EventType.CONCURRENCY_LIMIT_HIT: Severity.WARN,
    EventType.WORKER_TIMEOUT: Severity.ERROR,
    EventType.RPC_RETRY_EXHAUSTED: Severity.FATAL,
    EventType.DUPLICATE_JOB_DETECTED: Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Event:
    """`raised` is when it happened, not when it was written, by a clock that only tells ages: the time is PostgreSQL's.

    By its `id` an event that may have been written already is written once. `job_id` is the generation's public id.
    """

    type: EventType
    user_id: UUID | None = None
    course_id: UUID | None = None
    job_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    raised: float = field(default_factory=time.monotonic)
    id: UUID = field(default_factory=uuid7)

    @property
    def cause(self) -> Hashable:
        """The same for refusals of one user for one reason, which may be one row with a `count`; else of this alone."""
        if self.type is EventType.CONCURRENCY_LIMIT_HIT:
            return self.type, self.user_id, self.metadata.get("limit")
        if self.type is EventType.DUPLICATE_JOB_DETECTED:
            return self.type, self.user_id, self.course_id
        return object()


def record(conn: Connection[Any], *events: Event) -> None:
    """The events are rows of the caller's transaction, all by one statement."""
    conn.execute(QUERIES["insert_events"], {"events": Jsonb([_as_row(event) for event in events])})


def _as_row(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "event_type": event.type.value,
        "severity": SEVERITIES[event.type].value,
        "user_id": event.user_id and str(event.user_id),
        "course_id": event.course_id and str(event.course_id),
        "job_id": event.job_id,
        "metadata": dict(event.metadata),
        "age_s": time.monotonic() - event.raised,
    }


#: Where a buffer writes to; a transaction of its own.
Sink = Callable[[list[Event]], None]


@dataclass(slots=True)
class _Waiting:
    """An event, and how many of its cause it stands for."""

    event: Event
    count: int

    def as_event(self) -> Event:
        if self.count == 1:
            return self.event
        return replace(self.event, metadata={**self.event.metadata, "count": self.count})


class EventBuffer:
    """Events waiting for the database, at most `capacity` of them; beyond that they are dropped and counted.

    Those of one cause wait as one, the first, with a `count` in its metadata.
    """

    def __init__(self, write: Sink, capacity: int = 10_000, interval_s: float = 0.9) -> None:
        self._write = write
        self._capacity = capacity
        self._interval = interval_s
        self._begin_anew()
        # A fork copies the locks as they are, perhaps held by the thread, which it does not copy. The child has nothing
        # to write: what waits is the parent's.
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, _Waiting] = {}
        self._running = False
        self._closed = False
        self._flushing = threading.Lock()
        self.dropped = 0

    def add(self, event: Event) -> None:
        """The event is written within a second of this, or once the database is back. Never waits for it."""
        with self._changed:
            is_first = not self._waiting
            self._keep(event, 1)
            if not is_first:
                return  # that one has woken the thread, which lets others gather
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="events", daemon=True).start()
                atexit.register(self.close)
            self._changed.notify()

    def _keep(self, event: Event, count: int) -> None:
        cause = event.cause
        if (waiting := self._waiting.get(cause)) is not None:
            waiting.count += count
        elif len(self._waiting) < self._capacity:
            self._waiting[cause] = _Waiting(event, count)
        else:
            self.dropped += count

    def flush(self) -> bool:
        """Everything added before the call is written; False if the database refused, and they wait on."""
        with self._flushing:
            with self._changed:
                taken, self._waiting = self._waiting, {}
            if not taken:
                return True
            count = sum(waiting.count for waiting in taken.values())
            try:
                self._write([waiting.as_event() for waiting in taken.values()])
            except psycopg.DataError:
                # Waiting won't mend a row the database can't store, and it must not hold up the others.
                log.exception("events_dropped", extra={"count": count})
                self.dropped += count
                return True
            except Exception as error:  # noqa: BLE001 - whatever it is, the events are kept and tried again
                log.warning("events_delayed", extra={"count": count, "error": str(error)})
                with self._changed:
                    since, self._waiting = self._waiting, taken
                    for waiting in since.values():
                        self._keep(waiting.event, waiting.count)
                    self._changed.notify()
                return False
            return True

    def close(self) -> None:
        """What could be written is; what could not is lost with the process, and the log says how much."""
        atexit.unregister(self.close)
        with self._changed:
            self._closed = True
            self._changed.notify()
        if not self.flush():
            log.error("events_lost", extra={"count": sum(waiting.count for waiting in self._waiting.values())})

    def _run(self) -> None:
        pause = self._interval
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                # So that equal refusals meet, and a database that is away is not pestered.
                if self._changed.wait_for(lambda: self._closed, timeout=pause):
                    return
            pause = self._interval if self.flush() else min(pause * 2, 5.0)


def write_with(statement: Callable[[], Any]) -> Sink:
    """A sink that writes each batch in one statement, a transaction of its own."""

    def write(events: list[Event]) -> None:
        with statement() as conn:
            record(conn, *events)

    return write
