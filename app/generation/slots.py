"""Slots: Redis proposes numbers, PostgreSQL decides.

An active generation holds a number among its user's (1…the tier's limit) and one among all (1…the system's
limit); unique indexes make these limits exact whatever Redis says. Redis finds numbers that are free, and
refuses without a transaction when there is none.

Keys, each a sorted set of generation ids or a marker of 15 s:

    concurrency:user:{user}            the user's holders, by the time taken
    concurrency:user:{user}:numbers    the same, by slot number
    concurrency:user:{user}:fresh      marker: compared with PostgreSQL within the last 15 s
    concurrency:global, …:numbers, …:fresh   the same for the system

Whatever is lost, left over or wrong in them is put right from PostgreSQL: the system's keys when their marker is
gone, a user's before a refusal that nothing has proven within 15 s, both after a clash. When Redis can't be
reached `take` returns None, and the transaction picks the numbers itself.
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from redis import Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from app.generation.errors import SlotsFull, SystemFull, UserFull
from app.generation.holders import Claim, ReadHolders, Slots, SlotUse
from app.generation.tiers import RIGHTS, Tier

MARKER_S = 15
#: A holder PostgreSQL doesn't know at all may be an admission under way; none takes longer than this.
UNDER_WAY_S = 10
USER_KEY_S = 3600
#: How long Redis is left alone after it failed.
BREAKER_S = 1.0
TIMEOUT_S = 0.25

SYSTEM = "concurrency:global"

#: Answers of the script that tell what to compare with PostgreSQL before it can answer.
STALE = ("system_stale", "user_stale")

#: As generation ids are written here; other members are nobody's.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = logging.getLogger(__name__)


def user_key(user_id: UUID) -> str:
    return f"concurrency:user:{user_id}"


class SlotKeeper:
    """The slots as Redis has them. Every method is safe to call with Redis away, and none raises RedisError."""

    def __init__(self, redis_url: str, system_limit: int, read_holders: ReadHolders) -> None:
        self.system_limit = system_limit
        self._read_holders = read_holders
        self._redis: Redis = Redis.from_url(
            redis_url,
            decode_responses=True,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._script = Path(__file__).with_name("slots.lua").read_text(encoding="utf-8")
        self._script_hash = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._down_until = 0.0

    def take(
        self, generation_id: UUID, user_id: UUID, tier: Tier, read_holders: ReadHolders | None = None
    ) -> Slots | None:
        """The numbers the generation may try to insert; the same on a second call. None: Redis can't say.

        Should they have to be compared with PostgreSQL's, they are with what `read_holders` finds there: for a caller
        that has a connection already and must not wait for a second one. Raises `UserFull` or `SystemFull`.
        """
        [answer] = self.take_all([Claim(generation_id, user_id, tier)], read_holders)
        if isinstance(answer, SlotsFull):
            raise answer
        return answer

    def take_all(
        self, claims: Sequence[Claim], read_holders: ReadHolders | None = None
    ) -> list[Slots | SlotsFull | None]:
        """As `take` of each, in one round trip for all; a refusal is returned."""
        answers: list[Any] = [None] * len(claims)
        asked = list(range(len(claims)))
        for _ in range(3):  # as called, after the system's rebuild, after the user's
            if not asked:
                break
            found = self._ask(partial(self._run_script, [claims[number] for number in asked]))
            for number, answer in zip(asked, found or [None] * len(asked), strict=True):
                answers[number] = answer
            asked = [number for number in asked if answers[number] and answers[number][0] in STALE]
            of_users = (claims[number].user_id if answers[number][0] == "user_stale" else None for number in asked)
            for user_id in set(of_users):
                self.rebuild(user_id, read_holders)
        return [self._read_answer(claim, answer) for claim, answer in zip(claims, answers, strict=True)]

    def release(self, generation_id: UUID, user_id: UUID) -> None:
        """The generation holds nothing any more. What Redis misses of this, a rebuild finds."""
        user, member = user_key(user_id), str(generation_id)

        def remove() -> list[Any]:
            with self._redis.pipeline(transaction=True) as pipe:
                for key in (user, SYSTEM):
                    pipe.zrem(key, member)
                    pipe.zrem(f"{key}:numbers", member)
                return pipe.execute()

        self._ask(remove)

    def rebuild(self, user_id: UUID | None = None, read_holders: ReadHolders | None = None) -> None:
        """The keys of the user (None: the system's) agree with PostgreSQL, and their marker says so.

        Holders PostgreSQL doesn't know at all are kept while they are younger than 10 s. Safe to run twice at once.
        """
        key = SYSTEM if user_id is None else user_key(user_id)
        seen = self._ask(lambda: self._read_members(key))
        if seen is None:
            return
        # PostgreSQL is read after Redis: a member unknown here and old there was never admitted.
        holders = (read_holders or self._read_holders)(user_id, seen.young())
        actual = {
            str(holder.generation_id): holder.system_slot if user_id is None else holder.user_slot
            for holder in holders
            if holder.active
        }
        final = {str(holder.generation_id) for holder in holders if not holder.active}
        self._ask(lambda: self._write_members(key, seen, actual, final))

    def put_right(self, generation_id: UUID, user_id: UUID) -> None:
        """After a clash: the generation holds nothing, and both scopes agree with PostgreSQL."""
        self.release(generation_id, user_id)
        self.rebuild(user_id)
        self.rebuild(None)

    def rebuild_all(self) -> None:
        """The system's keys and those of every user, known to PostgreSQL or to Redis, agree with PostgreSQL."""
        self.rebuild(None)
        known = set(self.counts() or {}) - {"global"}
        users = {str(holder.user_id) for holder in self._read_holders(None, ())}
        for user in sorted(known | users):
            self.rebuild(UUID(user))

    def counts(self) -> Mapping[str, int] | None:
        """How many slots each user holds, and the system under `global`, as Redis has it. None without Redis."""

        def read() -> dict[str, int]:
            found = {}
            for key in self._redis.scan_iter("concurrency:*", count=1000, _type="zset"):
                name = key.removeprefix("concurrency:").removeprefix("user:")
                if not name.endswith(":numbers"):
                    found[name] = int(self._redis.zcard(key))
            return found

        found: Mapping[str, int] | None = self._ask(read)
        return found

    def ping(self) -> bool:
        """Whether Redis answers just now."""
        return bool(self._ask(self._redis.ping))

    def close(self) -> None:
        self._redis.close()

    def _run_script(self, claims: Sequence[Claim]) -> list[Any]:
        """What the script returns for each claim; None, and a line in the log, where it fails."""
        with self._redis.pipeline(transaction=False) as pipe:
            for generation_id, user_id, tier in claims:
                user = user_key(user_id)
                keys = (user, f"{user}:numbers", SYSTEM, f"{SYSTEM}:numbers", f"{SYSTEM}:fresh", f"{user}:fresh")
                limits = RIGHTS[tier].slots, self.system_limit
                pipe.evalsha(self._script_hash, len(keys), *keys, str(generation_id), *limits, USER_KEY_S)
            answers = pipe.execute(raise_on_error=False)
        errors = [answer for answer in answers if isinstance(answer, RedisError)]
        if any(isinstance(error, NoScriptError) for error in errors):
            self._redis.script_load(self._script)
            return self._run_script(claims)  # a second call for the same claim is answered as the first
        if errors:
            log.warning("redis_unavailable", extra={"error": str(errors[0])})
        return [None if isinstance(answer, RedisError) else answer for answer in answers]

    def _read_answer(self, claim: Claim, answer: Any) -> Slots | SlotsFull | None:
        if answer is None or answer[0] in STALE:
            return None
        outcome, user_slot, system_slot, user_count, system_count = answer
        limit = RIGHTS[claim.tier].slots
        if outcome == "taken":
            use = SlotUse(limit, int(user_count), self.system_limit, int(system_count))
            return Slots(int(user_slot), int(system_slot), use)
        full = UserFull if outcome == "user_full" else SystemFull
        return full(claim.tier, limit, int(user_count), self.system_limit, int(system_count))

    def _ask(self, question: Callable[[], Any]) -> Any:
        """What Redis answers; None if it can't, after which it is left alone for a second."""
        if time.monotonic() < self._down_until:
            return None
        try:
            return question()
        except RedisError as error:
            if not isinstance(error, ResponseError):
                self._down_until = time.monotonic() + BREAKER_S
            log.warning("redis_unavailable", extra={"error": str(error) or type(error).__name__})
            return None

    def _read_members(self, key: str) -> "_Members":
        for name in (key, f"{key}:numbers"):
            if self._redis.type(name) not in ("zset", "none"):
                self._redis.delete(name)  # a key of a wrong type counts as emptied
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.time()
            pipe.zrange(key, 0, -1, withscores=True)
            pipe.zrange(f"{key}:numbers", 0, -1, withscores=True)
            (seconds, _), taken, numbers = pipe.execute()
        return _Members(float(seconds), dict(taken), {member: int(number) for member, number in numbers})

    def _write_members(self, key: str, seen: "_Members", actual: Mapping[str, int], final: Set[str]) -> list[Any]:
        used = set(actual.values())
        under_way = {
            member
            for member in map(str, seen.young())
            if member not in actual
            and member not in final
            and seen.numbers.get(member) is not None
            and seen.numbers[member] not in used
        }
        gone = (seen.taken.keys() | seen.numbers.keys()) - actual.keys() - under_way
        wrong = {member: number for member, number in actual.items() if seen.numbers.get(member) != number}
        lost = [member for member in actual if member not in seen.taken]
        with self._redis.pipeline(transaction=True) as pipe:
            if gone:
                pipe.zrem(key, *gone)
                pipe.zrem(f"{key}:numbers", *gone)
            if lost:
                pipe.zadd(key, dict.fromkeys(lost, seen.now))
            if wrong:
                pipe.zadd(f"{key}:numbers", wrong)
            if key != SYSTEM:
                pipe.expire(key, USER_KEY_S)
                pipe.expire(f"{key}:numbers", USER_KEY_S)
            pipe.set(f"{key}:fresh", 1, ex=MARKER_S)
            if gone or wrong or lost:
                log.info(
                    "slots_rebuilt", extra={"key": key, "removed": len(gone), "restored": len(lost | wrong.keys())}
                )
            return pipe.execute()


@dataclass(frozen=True, slots=True)
class _Members:
    """One scope's keys as read at `now` (this Redis's clock): when each member was taken, and its number."""

    now: float
    taken: Mapping[str, float]
    numbers: Mapping[str, int]

    def young(self) -> list[UUID]:
        """Those that may be admissions under way."""
        return [
            UUID(member) for member, at in self.taken.items() if self.now - at < UNDER_WAY_S and _UUID.fullmatch(member)
        ]
