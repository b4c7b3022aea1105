"""Slots: Redis proposes numbers, PostgreSQL decides.

An active generation holds a number among its user's (1…the tier's limit) and one among all (1…the system's
limit); unique indexes make these limits exact whatever Redis says. Redis finds numbers that are free, and
refuses without a transaction when there is none.

Whatever is lost, left over or wrong in them is put right from PostgreSQL: the system's keys when their marker is
gone, and nearly always before that, beside the requests; a user's before a refusal that nothing has proven within
15 s; both after a clash. When Redis can't be reached `take` returns None, and the transaction picks the numbers itself.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
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
from app.generation.slots.holders import Claim, Holders, Slots, SlotUse
from app.generation.slots.key_names import (
    PATTERN,
    RENEWING,
    SYSTEM,
    USER_KEY_S,
    marker_key,
    numbers_key,
    read_user,
    user_key,
)
from app.generation.slots.rebuild import Rebuild
from app.generation.slots.renewal import Renewal
from app.generation.tiers import RIGHTS, Tier

#: How long Redis is left alone after it failed.
BREAKER_S = 1.0
TIMEOUT_S = 0.25
#: How long before the system's marker is gone an admission has it renewed; upkeep, where it runs, was before that.
RENEWED_MS = 3_000

#: How many keys Redis looks at in one call while they are counted.
KEYS_AT_ONCE = 1_000

#: Answers of the script that tell what to compare with PostgreSQL before it can answer.
STALE = ("system_stale", "user_stale")

log = logging.getLogger(__name__)


class SlotKeeper:
    """The slots as Redis has them. Every method is safe to call with Redis away, and none raises RedisError."""

    def __init__(self, redis_url: str, system_limit: int, holders: Holders) -> None:
        self.system_limit = system_limit
        self._holders = holders
        self._redis: Redis = Redis.from_url(
            redis_url,
            decode_responses=True,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._script = Path(__file__).with_name("take.lua").read_text(encoding="utf-8")
        self._script_hash = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._down_until = 0.0
        self._renewal = Renewal(self._renew)

    def take(self, generation_id: UUID, user_id: UUID, tier: Tier, holders: Holders | None = None) -> Slots | None:
        """The numbers the generation may try to insert; the same on a second call. None: Redis can't say.

        Should they have to be compared with PostgreSQL's, they are with what `holders` finds there: for a caller
        that has a connection already and must not wait for a second one. Raises `UserFull` or `SystemFull`.
        """
        [answer] = self.take_all([Claim(generation_id, user_id, tier)], holders)
        if isinstance(answer, SlotsFull):
            raise answer
        return answer

    def take_all(self, claims: Sequence[Claim], holders: Holders | None = None) -> list[Slots | SlotsFull | None]:
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
            if any(answers[number][0] == "system_stale" for number in asked):
                self.rebuild_system(holders)
            if users := {claims[number].user_id for number in asked if answers[number][0] == "user_stale"}:
                self.rebuild_users(users, holders)
        return [self._read_answer(claim, answer) for claim, answer in zip(claims, answers, strict=True)]

    def release(self, generation_id: UUID, user_id: UUID) -> None:
        """The generation holds nothing any more. What Redis misses of this, a rebuild finds."""
        user, member = user_key(user_id), str(generation_id)

        def remove() -> list[Any]:
            with self._redis.pipeline(transaction=True) as pipe:
                for key in (user, SYSTEM):
                    pipe.zrem(key, member)
                    pipe.zrem(numbers_key(key), member)
                return pipe.execute()

        self._ask(remove)

    def rebuild_system(self, holders: Holders | None = None) -> None:
        """The system's keys agree with PostgreSQL, and their marker says so."""
        self._ask(Rebuild(self._redis, holders or self._holders).system)

    def rebuild_users(self, user_ids: Collection[UUID], holders: Holders | None = None) -> None:
        """The same for the keys of each of these users."""
        self._ask(partial(Rebuild(self._redis, holders or self._holders).users, sorted(user_ids)))

    def rebuild_all(self) -> None:
        """The system's keys and those of every user, known to PostgreSQL or to Redis, agree with PostgreSQL."""
        self.rebuild_system()
        of_redis = {user_id for user_id in self.counts() or () if user_id}
        self.rebuild_users(self._holders.users() | of_redis)

    def put_right(self, generation_id: UUID, user_id: UUID) -> None:
        """After a clash: the generation holds nothing, and both scopes agree with PostgreSQL."""
        self.release(generation_id, user_id)
        self.rebuild_users([user_id])
        self.rebuild_system()

    def counts(self) -> Mapping[UUID | None, int] | None:
        """How many slots each user holds, and the system under None, as Redis has it. None without Redis."""

        def read() -> dict[UUID | None, int]:
            keys = self._redis.scan_iter(PATTERN, count=KEYS_AT_ONCE, _type="zset")
            of_users = ((key, read_user(key)) for key in keys)
            counted = [(key, user_id) for key, user_id in of_users if user_id or key == SYSTEM]
            with self._redis.pipeline(transaction=False) as pipe:
                for key, _ in counted:
                    pipe.zcard(key)
                counts = pipe.execute()
            return {user_id: int(count) for (_, user_id), count in zip(counted, counts, strict=True)}

        found: Mapping[UUID | None, int] | None = self._ask(read)
        return found

    def ping(self) -> bool:
        """Whether Redis answers just now."""
        return bool(self._ask(self._redis.ping))

    def close(self) -> None:
        self._renewal.close(TIMEOUT_S)
        self._redis.close()

    def _renew(self) -> None:
        """As `rebuild_system`, unless another process has begun that a moment ago."""
        if self._ask(partial(self._redis.set, RENEWING, 1, nx=True, px=RENEWED_MS)):
            self.rebuild_system()

    def _run_script(self, claims: Sequence[Claim]) -> Any:
        """What the script returns for each claim; called again for the same, it answers the same."""
        keys = [SYSTEM, numbers_key(SYSTEM), marker_key(SYSTEM)]
        values: list[str | int] = [self.system_limit, USER_KEY_S]
        for generation_id, user_id, tier in claims:
            user = user_key(user_id)
            keys += user, numbers_key(user), marker_key(user)
            values += str(generation_id), RIGHTS[tier].slots
        try:
            return self._redis.evalsha(self._script_hash, len(keys), *keys, *values)
        except NoScriptError:
            return self._redis.eval(self._script, len(keys), *keys, *values)

    def _read_answer(self, claim: Claim, answer: Any) -> Slots | SlotsFull | None:
        if answer is None or answer[0] in STALE:
            return None
        outcome, user_slot, system_slot, user_count, system_count, fresh_ms = answer
        if 0 <= fresh_ms < RENEWED_MS:
            self._renewal.begin()
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
