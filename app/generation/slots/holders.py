"""Who holds slots according to PostgreSQL, which decides."""

from collections import Counter
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


@dataclass(frozen=True, slots=True)
class Limits:
    """How many generations of the user, and of the system, may be active, as PostgreSQL has just read them."""

    user: int
    system: int


class SlotRequest(NamedTuple):
    """A generation that needs one of its user's slots and one of the system's."""

    generation_id: UUID
    user_id: UUID
    tier: Tier
    limits: Limits


def list_holders(db: Database, users: Collection[UUID] | None) -> list[DictRow]:
    """Returns `id`, `user_id`, `user_slot` and `system_slot` of these users' generations, or of all, that hold slots.

    Generations that ended within the last 30 s are included. A number that a generation does not hold is 0.
    """
    with db.connection() as conn:
        values = {"users": None if users is None else list(users)}
        return conn.execute(QUERIES["list_slot_holders"], values).fetchall()


def count_slots(db: Database) -> Counter[UUID | None]:
    """Returns how many slots each user holds, and the system under None: what `SlotKeeper.counts` says of Redis."""
    holders = list_holders(db, None)
    counts = Counter[UUID | None](holder["user_id"] for holder in holders if holder["user_slot"])
    counts[None] = sum(holder["system_slot"] > 0 for holder in holders)
    return counts
