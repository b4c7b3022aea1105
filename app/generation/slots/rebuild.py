"""Puts the slots' keys in Redis right from PostgreSQL, a part at a time, so that nobody waits for all of it."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from redis import Redis
from redis.client import Pipeline

from app.generation.slots.holders import Holders
from app.generation.slots.key_names import MARKER_S, SYSTEM, USER_KEY_S, marker_key, numbers_key, read_uuid, user_key

#: A holder PostgreSQL doesn't know at all may be an admission under way; none takes longer than this.
UNDER_WAY_S = 10
#: How many of the system's numbers, and of users, are compared at once: some milliseconds of Redis and of Python.
NUMBERS_AT_ONCE = 2_000
USERS_AT_ONCE = 500

SCRIPT = Path(__file__).with_name("members.lua").read_text(encoding="utf-8")

log = logging.getLogger(__name__)


class Span(NamedTuple):
    """The numbers above `low` and not above `high`. The outermost spans are open, whatever stands in Redis."""

    low: int
    high: int


LOWEST, HIGHEST = 0, 2**31 - 1
ALL = Span(LOWEST, HIGHEST)

#: Reads from PostgreSQL what numbers the members of each key have.
Read = Callable[[], Mapping[str, Mapping[str, int]]]


class Rebuild:
    """Safe to run twice at once, and beside admissions and releases. What Redis can't do raises RedisError.

    Holders PostgreSQL doesn't know at all are kept while they are younger than 10 s.
    """

    def __init__(self, client: "Redis", holders: Holders) -> None:
        self._client, self._holders = client, holders
        self._script = client.register_script(SCRIPT)

    def system(self) -> None:
        """The system's keys agree with PostgreSQL, and their marker says so."""
        edges = [LOWEST, *range(NUMBERS_AT_ONCE, self._holders.highest(), NUMBERS_AT_ONCE), HIGHEST]
        differing = [
            key
            for span in map(Span._make, pairwise(edges))
            for key in self._compare([SYSTEM], span, partial(self._of_system, span))
        ]
        self._settle([SYSTEM], differing)

    def users(self, user_ids: Collection[UUID]) -> None:
        """The keys of each user agree with PostgreSQL, live for an hour, and their markers say so."""
        ids = list(user_ids)
        for start in range(0, len(ids), USERS_AT_ONCE):
            keys = {user_key(user_id): user_id for user_id in ids[start : start + USERS_AT_ONCE]}
            differing = self._compare(keys, ALL, partial(self._of_users, keys))
            self._settle(keys, differing)

    def _of_system(self, span: Span) -> Mapping[str, Mapping[str, int]]:
        return {SYSTEM: self._holders.of_system(*span)}

    def _of_users(self, keys: Mapping[str, UUID]) -> Mapping[str, Mapping[str, int]]:
        found = self._holders.of_users(keys.values())
        return {key: found[user_id] for key, user_id in keys.items()}

    def _compare(self, keys: Collection[str], span: Span, read: Read) -> list[str]:
        """Within the span, each key's members and numbers become those that `read` finds. Returns what differed."""
        seen = self._read_members(keys, span)
        # PostgreSQL is read after Redis: a member unknown here and old there was never admitted.
        actual = read()
        differing = [key for key in keys if not seen[key].whole or seen[key].numbers != actual[key]]
        if differing:
            young = (member for key in differing for member in seen[key].young - actual[key].keys())
            under_way = self._find_unknown(young)
            seconds, _ = self._client.time()
            with self._client.pipeline(transaction=True) as pipe:
                for key in differing:
                    _correct(pipe, key, seen[key], actual[key], under_way, seconds)
                pipe.execute()
        return differing

    def _find_unknown(self, members: Iterable[str]) -> Set[str]:
        """Those of the members that may be generations which PostgreSQL doesn't know yet."""
        ids = {member: generation_id for member in members if (generation_id := read_uuid(member))}
        return ids.keys() - self._holders.final(ids.values()) if ids else ids.keys()

    def _read_members(self, keys: Collection[str], span: Span) -> dict[str, "_Members"]:
        low = "-inf" if span.low == LOWEST else f"({span.low}"
        high = "+inf" if span.high == HIGHEST else span.high
        with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                lives_s = 0 if key == SYSTEM else USER_KEY_S
                self._script([key, numbers_key(key)], [low, high, UNDER_WAY_S, lives_s], pipe)
            return {key: _Members.read(found) for key, found in zip(keys, pipe.execute(), strict=True)}

    def _settle(self, keys: Collection[str], differing: Collection[str]) -> None:
        """Holders without a number are gone from those that differed; all count as compared from now on."""
        with self._client.pipeline(transaction=False) as pipe:
            for key in dict.fromkeys(differing):
                pipe.zdiff([key, numbers_key(key)])
            halves = dict(zip(dict.fromkeys(differing), pipe.execute(), strict=True))
        with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                if halves.get(key):
                    pipe.zrem(key, *halves[key])
                pipe.set(marker_key(key), 1, ex=MARKER_S)
            pipe.execute()


def _correct(
    pipe: "Pipeline",
    key: str,
    seen: "_Members",
    actual: Mapping[str, int],
    under_way: Collection[str],
    now: int,
) -> None:
    used = set(actual.values())
    gone = [
        member
        for member, number in seen.numbers.items()
        if member not in actual and (member not in under_way or number in used)
    ]
    wrong = {member: number for member, number in actual.items() if seen.numbers.get(member) != number}
    if gone:
        pipe.zrem(key, *gone)
        pipe.zrem(numbers_key(key), *gone)
    if actual:
        pipe.zadd(key, dict.fromkeys(actual, now), nx=True)
    if wrong:
        pipe.zadd(numbers_key(key), wrong)
    if key != SYSTEM:
        pipe.expire(key, USER_KEY_S)
        pipe.expire(numbers_key(key), USER_KEY_S)
    if gone or wrong:
        log.info("slots_rebuilt", extra={"key": key, "removed": len(gone), "restored": len(wrong)})


@dataclass(frozen=True, slots=True)
class _Members:
    """A key's members that have a number of the span.

    `young`: those taken a moment ago. `whole`: there is nothing that lacks its number or its time.
    """

    numbers: Mapping[str, float]
    young: Set[str]
    whole: bool

    @classmethod
    def read(cls, answer: tuple[list[str], list[str], int]) -> "_Members":
        numbered, young, whole = answer
        numbers = dict(zip(numbered[::2], map(float, numbered[1::2]), strict=True))
        return cls(numbers, set(young), bool(whole))
