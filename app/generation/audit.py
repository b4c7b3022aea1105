"""The audit: each change by a person is a row of `coursegen.audit`, written in the transaction of the change."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, e.g. `cli:root@host` or `admin:<user id>`, and why."""

    name: str
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" if self.reason else self.name


def record_audit(
    conn: Connection[Any],
    actor: Actor,
    action: str,
    *,
    generation_id: UUID | None = None,
    course_id: UUID | None = None,
    **details: object,
) -> None:
    """Writes the row in the caller's transaction."""
    values = {
        "actor": actor.name,
        "action": action,
        "generation_id": generation_id,
        "course_id": course_id,
        "reason": actor.reason,
        "details": Jsonb(details),
    }
    conn.execute(QUERIES["insert_audit"], values)
