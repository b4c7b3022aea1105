"""A past whose answers are known: generations, starts of stages and events at chosen times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from tests.integration.factories import insert_course

#: Users whose order is known.
ADA, BOB, CYD = (UUID(int=number) for number in (1, 2, 3))


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def stamp(at: datetime) -> str:
    """As the metrics write a moment."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


class Past:
    """Writes rows straight into the tables; every time is given."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn
        self._slots: Iterator[int] = count(1)

    def generation(self, at: datetime, ended: datetime | None = None, status: str = "completed", **fields: Any) -> UUID:
        """Admitted at `at`; active, and by default queued, where it has not `ended`."""
        generation_id = fields.pop("id", None) or uuid7()
        if ended is None and status not in ("queued", "running"):
            status = "queued"
        user_id = fields.pop("user_id", ADA)
        slot = next(self._slots) if ended is None else None
        row = {
            "id": generation_id,
            "course_id": insert_course(self._conn, user_id=user_id).id,
            "user_id": user_id,
            "tier": "FREE",
            "priority": 1,
            "user_slot": slot if ended is None else None,
            "system_slot": slot if ended is None else None,
            "stage": "FINALIZATION",
            "status": status,
            "source": "http",
            "created_at": at,
            "finished_at": ended,
        }
        self._insert("coursegen.generations", {**row, **fields})
        return generation_id

    def attempt(
        self,
        generation_id: UUID,
        stage: str,
        at: datetime,
        lasted: timedelta | None,
        outcome: str | None,
        **fields: Any,
    ) -> None:
        """A start of the stage; without `lasted` it never ended."""
        row = {
            "generation_id": generation_id,
            "stage": stage,
            "fence": 1,
            "job_id": 1,
            "worker": "w1",
            "started_at": at,
            "finished_at": None if lasted is None else at + lasted,
            "outcome": outcome,
        }
        self._insert("coursegen.attempts", {**row, **fields})

    def event(
        self, kind: str, at: datetime, user_id: UUID | None = ADA, job: object = None, **metadata: object
    ) -> None:
        row = {
            "event_type": kind,
            "severity": "warn",
            "user_id": user_id,
            "job_id": None if job is None else str(job),
            "metadata": Jsonb(metadata),
            "timestamp": at,
        }
        self._insert("system_metrics", row)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        self._conn.execute(statement, list(row.values()))
