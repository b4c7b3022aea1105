"""Who holds slots according to PostgreSQL, which decides."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.tiers import Tier


@dataclass(frozen=True, slots=True)
class SlotUse:
    """The limits and counts of active generations, the user's and the system's."""

    user_limit: int
    user_active: int
    system_limit: int
    system_active: int


@dataclass(frozen=True, slots=True)
class Slots:
    """The two numbers of a generation. `use` counts it as active."""

    user_slot: int
    system_slot: int
    use: SlotUse


class Claim(NamedTuple):
    """A generation that needs one of its user's slots and one of the system's."""

    generation_id: UUID
    user_id: UUID
    tier: Tier


class Holder(NamedTuple):
    """A generation and its numbers; 0 for a number that it does not hold."""

    id: str
    user_id: UUID
    user_slot: int
    system_slot: int


def list_holders(db: Database, users: Collection[UUID] | None) -> list[Holder]:
    """Returns the holders among these users' generations, or all; also generations that ended within the last 30 s."""
    with db.connection() as conn, conn.cursor(row_factory=class_row(Holder)) as cursor:
        values = {"users": None if users is None else list(users)}
        return cursor.execute(QUERIES["list_slot_holders"], values).fetchall()
