"""Who holds slots according to PostgreSQL, which decides."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

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


class SlotRequest(NamedTuple):
    """A generation that needs one of its user's slots and one of the system's."""

    generation_id: UUID
    user_id: UUID
    tier: Tier


def list_holders(db: Database, users: Collection[UUID] | None) -> list[DictRow]:
    """Returns `id`, `user_id`, `user_slot` and `system_slot` of these users' generations, or of all, that hold slots.

    Generations that ended within the last 30 s are included. A number that a generation does not hold is 0.
    """
    with db.connection() as conn:
        values = {"users": None if users is None else list(users)}
        return conn.execute(QUERIES["list_slot_holders"], values).fetchall()
