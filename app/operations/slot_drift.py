"""Compares the slot counts in Redis with PostgreSQL."""

from typing import NamedTuple

from app.database.pool import Database
from app.generation.slots.holders import count_slots
from app.generation.slots.keeper import SlotKeeper

#: The holder of the system's own count.
GLOBAL = "global"


class SlotCount(NamedTuple):
    """The counts of one holder: a user's id, or "global". `redis` is None while Redis is away."""

    holder: str
    postgresql: int
    redis: int | None

    @property
    def drift(self) -> int | None:
        """How many more Redis has than PostgreSQL."""
        return None if self.redis is None else self.redis - self.postgresql


def compare_slots(db: Database, keeper: SlotKeeper) -> list[SlotCount]:
    """Returns the system's counts, then those of every user in either of the two, ordered by id."""
    actual, proposed = count_slots(db), keeper.counts()
    users = sorted(user for user in actual.keys() | (proposed or {}).keys() if user)
    return [
        SlotCount(str(user or GLOBAL), actual[user], None if proposed is None else proposed.get(user, 0))
        for user in [None, *users]
    ]
