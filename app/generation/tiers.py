"""The tiers of users: how many generations each may have active, and how urgent they are."""

from enum import Enum
from typing import Self


class Tier(Enum):
    """A user's plan. Compared with the database's `coursegen.tier` by a test.

    `slots`: generations active at once. `priority`: of the first stage's job, larger first.
    """

    slots: int
    priority: int

    def __new__(cls, name: str, slots: int = 0, priority: int = 0) -> Self:
        tier = object.__new__(cls)
        tier._value_, tier.slots, tier.priority = name, slots, priority
        return tier

    FREE = "FREE", 1, 1
    BASIC = "BASIC", 2, 3
    STANDARD = "STANDARD", 3, 5
    TRIAL = "TRIAL", 5, 5
    PREMIUM = "PREMIUM", 5, 10

    @classmethod
    def named(cls, name: object) -> "Tier":
        """The tier of that name, in upper or lower case; FREE for any other value."""
        known = isinstance(name, str) and name.isascii()  # "ı".upper() is "I"
        return cls.__members__.get(str(name).upper(), cls.FREE) if known else cls.FREE
