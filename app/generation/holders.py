"""Who holds slots, as PostgreSQL has it: the numbers of active generations."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from app.db import Database, only_row
from app.generation.errors import SystemFull, UserFull
from app.generation.tiers import RIGHTS, Tier
from app.queries import QUERIES


@dataclass(frozen=True, slots=True)
class SlotUse:
    """How many generations may be active, and are: the user's and all."""

    user_limit: int
    user_active: int
    system_limit: int
    system_active: int


@dataclass(frozen=True, slots=True)
class Slots:
    """The two numbers a generation holds. It is one of those that `use` has as active."""

    user_slot: int
    system_slot: int
    use: SlotUse


class Claim(NamedTuple):
    """A generation that wants one of its user's slots and one of the system's."""

    generation_id: UUID
    user_id: UUID
    tier: Tier


@dataclass(frozen=True, slots=True)
class Holder:
    """A generation as PostgreSQL knows it: it holds its slots for as long as it is active."""

    generation_id: UUID
    user_id: UUID
    user_slot: int
    system_slot: int
    active: bool


#: Reads generations from PostgreSQL: the active ones of one user, or all, and those of the given ids that are final.
ReadHolders = Callable[[UUID | None, Collection[UUID]], list[Holder]]


def read_holders(db: Database) -> ReadHolders:
    """The active generations as PostgreSQL has them now, in a statement of its own."""

    def read(user_id: UUID | None, members: Collection[UUID]) -> list[Holder]:
        with db.connection() as conn:
            return list_holders(conn, user_id, members)

    return read


def list_holders(conn: Connection[Any], user_id: UUID | None, members: Collection[UUID]) -> list[Holder]:
    """The active generations of the user, or all, and final ones of these ids, as the caller's connection sees them."""
    query = QUERIES["list_holders" if user_id is None else "list_holders_of_user"]
    return [Holder(**row) for row in conn.execute(query, {"user_id": user_id, "members": list(members)})]


def pick_slots(conn: Connection[Any], user_id: UUID, tier: Tier, system_limit: int) -> Slots:
    """The lowest free numbers, picked in the caller's transaction, one transaction at a time.

    For when Redis can't say. Raises `UserFull` or `SystemFull`.
    """
    limit = RIGHTS[tier].slots
    conn.execute(QUERIES["lock_slot_picking"])
    values = {"user_id": user_id, "user_limit": limit, "system_limit": system_limit}
    row = only_row(conn.execute(QUERIES["pick_slots"], values))
    for number, refusal in ((row["user_slot"], UserFull), (row["system_slot"], SystemFull)):
        if number is None:
            raise refusal(tier, limit, row["user_active"], system_limit, row["system_active"])
    use = SlotUse(limit, row["user_active"] + 1, system_limit, row["system_active"] + 1)
    return Slots(row["user_slot"], row["system_slot"], use)
