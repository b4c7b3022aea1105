"""What people changed: one row of `coursegen.audit` for each change, by console, command or an admin's API call."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb


def record(
    conn: psycopg.Connection[Any],
    actor: str,
    action: str,
    *,
    generation_id: UUID | None = None,
    course_id: UUID | None = None,
    reason: str | None = None,
    **details: Any,
) -> None:
    """Writes the row in the caller's transaction: it exists if the change does. A rollback of the schema keeps none."""
    conn.execute(
        "insert into coursegen.audit (actor, action, generation_id, course_id, reason, details)"
        " values (%s, %s, %s, %s, %s, %s)",
        (actor, action, generation_id, course_id, reason, Jsonb(details)),
    )
