"""The tiers of users, and the names by which tokens and platforms know them."""

import logging
from collections.abc import Iterable, Mapping
from enum import Enum

log = logging.getLogger(__name__)

#: Names that one process reports as unknown. Users may write some of them.
MOST_REPORTED = 100


class Tier(Enum):
    """A user's plan. Compared with the database's `coursegen.tier` by a test.

    `coursegen.tiers` has how many generations each may have active at once, and how urgent they are.
    """

    FREE = "FREE"
    BASIC = "BASIC"
    STANDARD = "STANDARD"
    TRIAL = "TRIAL"
    PREMIUM = "PREMIUM"


class TierNames:
    """Reads tiers by name, in upper or lower case, and by the platform's other names for them."""

    def __init__(self, aliases: Mapping[str, Tier]) -> None:
        self._names = Tier.__members__ | {alias.upper(): tier for alias, tier in aliases.items()}
        self._reported: set[str] = set()

    def read(self, name: object) -> Tier:
        """The tier of that name; FREE for None, and for any other value, which is logged once."""
        if name is None:
            return Tier.FREE
        text = str(name)[:100]
        if isinstance(name, str) and name.isascii() and (tier := self._names.get(name.upper())):  # "ı".upper() is "I"
            return tier
        if text not in self._reported and len(self._reported) < MOST_REPORTED:
            self._reported.add(text)
            log.warning("tier_unknown", extra={"named": text})
        return Tier.FREE


def parse_aliases(pairs: Iterable[str]) -> dict[str, Tier]:
    """The tier of each alias, from pairs such as `basic_plus=BASIC`. Raises ValueError."""
    aliases = {}
    for pair in pairs:
        alias, _, name = map(str.strip, pair.partition("="))
        if not alias or name not in Tier.__members__:
            raise ValueError(f"{pair} is no alias of a tier; use, for example, basic_plus=BASIC.")
        aliases[alias] = Tier[name]
    return aliases
