"""The tiers of users: how many generations each may have active, and how urgent they are."""

from dataclasses import dataclass
from enum import Enum


class Tier(Enum):
    """A user's plan. Compared with the database's `generation_tier` by a test."""

    FREE = "FREE"
    BASIC = "BASIC"
    STANDARD = "STANDARD"
    TRIAL = "TRIAL"
    PREMIUM = "PREMIUM"

    @classmethod
    def named(cls, name: object) -> "Tier":
        """The tier of that name, in upper or lower case; FREE for any other value."""
        known = isinstance(name, str) and name.isascii()  # "ı".upper() is "I"
        return cls.__members__.get(str(name).upper(), cls.FREE) if known else cls.FREE


@dataclass(frozen=True, slots=True)
class Rights:
    """`slots`: generations active at once; `priority`: of the first stage's job, larger first."""

    slots: int
    priority: int


RIGHTS = {
    Tier.FREE: Rights(slots=1, priority=1),
    Tier.BASIC: Rights(slots=2, priority=3),
    Tier.STANDARD: Rights(slots=3, priority=5),
    Tier.TRIAL: Rights(slots=5, priority=5),
    Tier.PREMIUM: Rights(slots=5, priority=10),
}
