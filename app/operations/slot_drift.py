"""Compares the slot counts in Redis with PostgreSQL."""

from dataclasses import asdict, dataclass
from typing import Any

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.slots.keeper import SlotKeeper

#: The holder of the system's own count.
GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class SlotCount:
    """The counts of one holder: a user's id, or "global". `redis` is None while Redis is away."""

    holder: str
    postgresql: int
    redis: int | None

    @property
    def drift(self) -> int | None:
        """How many more Redis has than PostgreSQL."""
        return None if self.redis is None else self.redis - self.postgresql

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "drift": self.drift}


def compare_slots(db: Database, keeper: SlotKeeper) -> list[SlotCount]:
    """Returns the system's counts, then those of every user in either of the two, ordered by id."""
    with db.connection() as conn:
        rows = conn.execute(QUERIES["count_holders"]).fetchall()
    actual = {str(row["user_id"]): int(row["active"]) for row in rows}
    actual[GLOBAL] = sum(int(row["of_system"]) for row in rows)
    counts = keeper.counts()
    proposed = None if counts is None else {str(user_id or GLOBAL): count for user_id, count in counts.items()}
    holders = sorted((actual.keys() | (proposed or {}).keys()) - {GLOBAL})
    return [
        SlotCount(holder, actual.get(holder, 0), None if proposed is None else proposed.get(holder, 0))
        for holder in [GLOBAL, *holders]
    ]
