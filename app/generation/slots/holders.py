"""Who holds slots, as PostgreSQL has it: the numbers of active generations."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.errors import SystemFull, UserFull
from app.generation.tiers import RIGHTS, Tier


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


class Holders:
    """Reads from PostgreSQL who holds which numbers, by generation id, each time as it is then.

    `connect` lends a connection for as long as a statement takes.
    """

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection[Any]]]) -> None:
        self._connect = connect

    def highest(self) -> int:
        """The highest of the system's numbers that is held; 0 without any."""
        [(highest,)] = self._read("highest_system_slot")
        return highest or 0

    def of_system(self, low: int, high: int) -> dict[str, int]:
        """Those of the system's numbers that are above `low` and not above `high`."""
        return dict(self._read("list_system_slots", low=low, high=high))

    def of_users(self, user_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
        """Of each of the users."""
        found: dict[UUID, dict[str, int]] = {user_id: {} for user_id in user_ids}
        for user_id, generation_id, number in self._read("list_user_slots", users=list(user_ids)):
            found[user_id][generation_id] = number
        return found

    def users(self) -> set[UUID]:
        """Every user who holds something."""
        return {user_id for (user_id,) in self._read("list_users_with_slots")}

    def final(self, generation_ids: Collection[UUID]) -> set[str]:
        """Those of the generations that are known and hold nothing any more."""
        return {generation_id for (generation_id,) in self._read("list_final", ids=list(generation_ids))}

    def _read(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._connect() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(QUERIES[query], values).fetchall()


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
