"""Events: what an operator must be able to count, one row of `system_metrics` each.

Verbs record theirs in SQL, in their own transaction. `EventBuffer.add` keeps an event in memory and writes it within a
second, or when the database is back.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from app.database.queries import QUERIES

log = logging.getLogger(__name__)


class Severity(Enum):
    """How bad an event is. Compared with the database's `metric_severity` by a test."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    FATAL = "fatal"


class EventType(Enum):
    """What happened. Compared with the database's `metric_event_type` by a test."""

    severity: Severity

    def __new__(cls, name: str, severity: Severity) -> Self:
        event_type = object.__new__(cls)
        event_type._value_, event_type.severity = name, severity
        return event_type

    JOB_ROLLBACK = "job_rollback", Severity.ERROR
    ORPHANED_JOB_RECOVERY = "orphaned_job_recovery", Severity.WARN
    CONCURRENCY_LIMIT_HIT = "concurrency_limit_hit", Severity.WARN
    WORKER_TIMEOUT = "worker_timeout", Severity.ERROR
    RPC_RETRY_EXHAUSTED = "rpc_retry_exhausted", Severity.FATAL
    DUPLICATE_JOB_DETECTED = "duplicate_job_detected", Severity.INFO


#: The types of `coursegen.events`: those that a platform's enum may lack. SQL records them.
OWN_TYPES = ("status_refused", "document_reader_failed", "limit_changed", "priority_raised")
#: Every type that an event may have.
EVENT_TYPES = (*(kind.value for kind in EventType), *OWN_TYPES)


@dataclass(frozen=True, slots=True)
class Event:
    """`raised` is when it happened, by the monotonic clock: SQL subtracts the age from PostgreSQL's own time.

    An event that may have been written already is written once, by its `id`. `job_id` is the generation's public id.
    `count`: how many equal events this one represents.
    """

    type: EventType
    user_id: UUID | None = None
    course_id: UUID | None = None
    job_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    raised: float = field(default_factory=time.monotonic)
    id: UUID = field(default_factory=uuid7)
    count: int = 1

    @property
    def key(self) -> Hashable:
        """Equal for refusals of one user for one reason, which become one row. Unique for any other event."""
        if self.type is EventType.CONCURRENCY_LIMIT_HIT:
            return self.type, self.user_id, self.metadata.get("limit")
        if self.type is EventType.DUPLICATE_JOB_DETECTED:
            return self.type, self.user_id, self.course_id
        return self.id

    def as_row(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "event_type": self.type.value,
            "severity": self.type.severity.value,
            "user_id": self.user_id and str(self.user_id),
            "course_id": self.course_id and str(self.course_id),
            "job_id": self.job_id,
            "metadata": dict(self.metadata) if self.count == 1 else {**self.metadata, "count": self.count},
            "age_s": time.monotonic() - self.raised,
        }


class EventBuffer:
    """Events that wait for the database, at most `capacity`. Further ones are dropped and counted.

    `statement` opens a connection for one statement. Equal events wait as one, the first, with their `count`.
    """

    def __init__(
        self,
        statement: Callable[[], AbstractContextManager[Connection[Any]]],
        capacity: int = 10_000,
        interval_s: float = 0.9,
    ) -> None:
        self._statement = statement
        self._capacity = capacity
        self._interval = interval_s
        self._reset()
        # A forked child inherits locks that may be held, but no thread. The parent writes what waits.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._added = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._waiting: dict[Hashable, Event] = {}
        self.dropped = 0

    def add(self, event: Event) -> None:
        """The event will be written within a second, or once the database is back. Never blocks on the database."""
        with self._lock:
            self._keep(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        self._added.set()

    def _keep(self, event: Event) -> None:
        first = self._waiting.get(event.key)
        if first is not None:
            self._waiting[event.key] = replace(first, count=first.count + event.count)
        elif len(self._waiting) < self._capacity:
            self._waiting[event.key] = event
        else:
            self.dropped += event.count

    def flush(self) -> bool:
        """Writes everything added before the call. False: the database refused it, and it still waits."""
        with self._flushing:
            with self._lock:
                batch, self._waiting = self._waiting, {}
            if not batch:
                return True
            count = sum(event.count for event in batch.values())
            try:
                with self._statement() as conn:
                    rows = [event.as_row() for event in batch.values()]
                    conn.execute(QUERIES["insert_events"], {"events": Jsonb(rows)})
            except psycopg.DataError:
                # A retry would fail again, and would hold up the events that come after.
                log.exception("events_dropped", extra={"count": count})
                self.dropped += count
            except Exception as error:  # noqa: BLE001 - after any error the events are kept and tried again
                log.warning("events_delayed", extra={"count": count, "error": str(error)})
                with self._lock:
                    newer, self._waiting = self._waiting, batch
                    for event in newer.values():
                        self._keep(event)
                return False
            return True

    def close(self) -> None:
        """Writes what can be written. The rest is lost with the process, and the log says how much."""
        atexit.unregister(self.close)
        self._closing.set()
        self._added.set()
        if not self.flush():
            log.error("events_lost", extra={"count": sum(event.count for event in self._waiting.values())})

    def _run(self) -> None:
        pause = self._interval
        while self._added.wait():
            # Equal events gather during the pause, and a database that is away gets few attempts.
            if self._closing.wait(pause):
                return
            self._added.clear()
            if self.flush():
                pause = self._interval
            else:
                pause = min(pause * 2, 5.0)
                self._added.set()
