"""Events: what an operator must be able to count, one row of `system_metrics` each.

Where a transaction is at hand, `record(conn, …)` writes the event inside it. Where there is none,
`EventBuffer.add` keeps it in memory and writes it within a second, or when the database is back.
"""

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb

from app.queries import QUERIES

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

    `job_id` is the generation's public id.
    """

    type: EventType
    user_id: UUID | None = None
    course_id: UUID | None = None
    job_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    raised: float = field(default_factory=time.monotonic)


def record(conn: Connection[Any], *events: Event) -> None:
    """The events are rows of the caller's transaction, all by one statement."""
    conn.execute(QUERIES["insert_events"], {"events": Jsonb([_as_row(event) for event in events])})


def _as_row(event: Event) -> dict[str, Any]:
    return {
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


class EventBuffer:
    """Events waiting for the database, at most `capacity` of them; beyond that they are dropped and counted.

    Equal refusals of one user (same type, user and kind of limit) within one flush are one row with a `count`.
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
        self._waiting: deque[Event] = deque()
        self._running = False
        self._closed = False
        self._flushing = threading.Lock()
        self.dropped = 0

    def add(self, event: Event) -> None:
        """The event is written within a second of this, or once the database is back. Never waits for it."""
        with self._changed:
            if len(self._waiting) >= self._capacity:
                self.dropped += 1
                return
            self._waiting.append(event)
            if len(self._waiting) > 1:
                return  # the first one has woken the thread, which lets others gather
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="events", daemon=True).start()
                atexit.register(self.close)
            self._changed.notify()

    def flush(self) -> bool:
        """Everything added before the call is written; False if the database refused, and they wait on."""
        with self._flushing:
            with self._changed:
                taken = list(self._waiting)
                self._waiting.clear()
            if not taken:
                return True
            try:
                self._write(merge_refusals(taken))
            except psycopg.DataError:
                # Waiting won't mend a row the database can't store, and it must not hold up the others.
                log.exception("events_dropped", extra={"count": len(taken)})
                self.dropped += len(taken)
                return True
            except Exception as error:  # noqa: BLE001 - whatever it is, the events are kept and tried again
                log.warning("events_delayed", extra={"count": len(taken), "error": str(error)})
                with self._changed:
                    room = self._capacity - len(self._waiting)
                    self.dropped += max(0, len(taken) - room)
                    self._waiting.extendleft(reversed(taken[:room]))
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
            log.error("events_lost", extra={"count": len(self._waiting)})

    def _run(self) -> None:
        pause = self._interval
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                # So that equal refusals meet, and a database that is away is not pestered.
                if self._changed.wait_for(lambda: self._closed, timeout=pause):
                    return
            pause = self._interval if self.flush() else min(pause * 2, 5.0)


def merge_refusals(events: list[Event]) -> list[Event]:
    """The events in order, equal refusals of one user merged into the first of them with their `count`."""
    merged: dict[object, Event] = {}
    counts: dict[object, int] = {}
    for position, event in enumerate(events):
        refusal = event.type is EventType.CONCURRENCY_LIMIT_HIT
        key: object = (event.user_id, event.metadata.get("limit")) if refusal else position
        merged.setdefault(key, event)
        counts[key] = counts.get(key, 0) + 1
    return [
        replace(event, metadata={**event.metadata, "count": counts[key]}) if counts[key] > 1 else event
        for key, event in merged.items()
    ]


def write_with(statement: Callable[[], Any]) -> Sink:
    """A sink that writes each batch in one statement, a transaction of its own."""

    def write(events: list[Event]) -> None:
        with statement() as conn:
            record(conn, *events)

    return write
