"""Slots: Redis proposes numbers, PostgreSQL decides.

An active generation holds one number among its user's (1 to the tier's limit) and one among the system's. Unique
indexes in PostgreSQL enforce both limits. Redis finds free numbers, and refuses without a transaction if it has none.

Redis may lose holders or keep too many, so its keys are rebuilt from PostgreSQL: the system's every 15 s, by upkeep or
by the request that finds their marker expired; a user's before a refusal that was not checked within 15 s; both after a
clash. If Redis is away, or one of its keys belongs to another program, the transaction picks the numbers itself.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import orjson
from psycopg.rows import DictRow
from redis import RedisError, ResponseError

from app.database.deadline import deadline
from app.generation.errors import SlotsFull, SystemFull, UserFull
from app.generation.slots.bounded_redis import TIMEOUT_S, connect_redis
from app.generation.slots.holders import SlotRequest, Slots, SlotUse
from app.generation.slots.key_names import KeyNames, hide_user, scope_keys
from app.generation.slots.troubles import describe_trouble

#: The pause before Redis is called again after a failure.
BREAKER_S = 1.0
#: The longest count of all keys.
COUNT_S = 5.0
MARKER_S = 15
USER_KEYS_S = 3600
#: No admission takes longer, so PostgreSQL knows every valid holder that is older.
UNDER_WAY_S = 10
#: How many keys or scopes Redis handles in one round trip.
BATCH = 500

#: Answers of the take script, and the answer if Redis gives none.
STALE = ("user_stale", "system_stale")
AWAY = ["away"]

T = TypeVar("T")

#: `holders.list_holders` without its `db`.
ListHolders = Callable[[Collection[UUID] | None], list[DictRow]]

log = logging.getLogger(__name__)


class SlotKeeper:
    """The slots in Redis. No method raises `RedisError`. Those that rebuild keys may raise `psycopg.Error`."""

    def __init__(self, redis_url: str, list_holders: ListHolders, prefix: str = "") -> None:
        self._list_holders, self._names = list_holders, KeyNames(prefix)
        self._redis = connect_redis(redis_url)
        self._take_script, self._rebuild_script = (
            self._redis.register_script(Path(__file__).with_name(name).read_text(encoding="utf-8"))
            for name in ("take.lua", "rebuild.lua")
        )
        self._down_until = 0.0
        self._trouble: str | None = None
        #: A key that another program wrote, and its type.
        self._foreign: tuple[str, str] | None = None

    def take_all(self, requests: Sequence[SlotRequest]) -> list[Slots | SlotsFull | None]:
        """Returns for each request the slots it may try to insert, a refusal, or None if PostgreSQL has to pick.

        One round trip for all. Taking the same request again returns the same numbers. May rebuild keys, which needs a
        connection to PostgreSQL: the caller must hold none.
        """
        if not requests:
            return []
        _, *answers = self._take(requests)
        if any(answer[0] in STALE for answer in answers):
            users = {request.user_id for request, answer in zip(requests, answers, strict=True) if answer[0] in STALE}
            self._rebuild(users, system=["system_stale"] in answers)
            _, *answers = self._take(requests)
        return [self._read_answer(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def release(self, generation_id: UUID, user_id: UUID) -> None:
        """Removes the generation from Redis. If Redis is away, a rebuild removes it later."""
        pipe = self._redis.pipeline(transaction=True)
        for scope in (self._names.of_user(user_id), self._names.system):
            for key in scope_keys(scope)[:2]:
                pipe.zrem(key, str(generation_id))
        self._ask(lambda: pipe.execute(raise_on_error=False))  # a key of another program holds nothing of ours

    def release_all(self, holders: Iterable[tuple[UUID, UUID]]) -> None:
        for generation_id, user_id in holders:
            self.release(generation_id, user_id)

    def rebuild_after_clash(self, generation_id: UUID, user_id: UUID) -> None:
        """After a clash: releases the generation's slots, then rebuilds the user's and the system's keys."""
        self.release(generation_id, user_id)
        self._rebuild([user_id], system=True)

    def rebuild_all(self, under_way_s: float = UNDER_WAY_S) -> None:
        """Makes the keys of the system, and of every user in PostgreSQL or Redis, agree with PostgreSQL.

        With 0 the slots of admissions under way are removed too. That is safe: PostgreSQL decides.
        """
        counts = self.counts()
        if counts is not None:
            of_postgresql = {holder["user_id"] for holder in self._list_holders(None)}
            users = of_postgresql | {user_id for user_id in counts if user_id}
            self._rebuild(users, system=True, under_way_s=under_way_s)

    def counts(self, within_s: float = COUNT_S) -> Mapping[UUID | None, int] | None:
        """Returns how many slots each user holds in Redis, and the system under None. None if Redis is away."""
        return self._ask(self._count, within_s)

    def problem(self) -> str | None:
        """Returns why PostgreSQL has to pick the numbers, or None if Redis serves. Runs the script without requests.

        The text is public, so it has a * for a user's id. The log line `redis_key_foreign` names the key.
        """
        if self._take([]) == [AWAY]:
            return self._trouble or "unavailable"
        if (foreign := self._foreign) is None:
            return None
        key, kind = foreign
        if self._ask(lambda: self._redis.type(key)) == kind:
            return f"the key {hide_user(key)} is a {kind} of another program: set REDIS_PREFIX"
        self._foreign = None
        return None

    def close(self) -> None:
        self._redis.close()

    def _take(self, requests: Sequence[SlotRequest]) -> list[Any]:
        """Returns the script's answer for the system, then one for each request."""
        keys = [*scope_keys(self._names.system)]
        values: list[str | int] = [USER_KEYS_S]
        for generation_id, user_id, _, limits in requests:
            keys += scope_keys(self._names.of_user(user_id))
            values += str(generation_id), limits.user, limits.system
        answers: list[Any] | None = self._ask(lambda: self._take_script(keys, values))
        if answers is None:
            return [AWAY] * (len(requests) + 1)
        if self._trouble is not None:
            self._trouble = None
            log.info("redis_recovered")
        for answer in answers:
            self._remember_foreign(answer)
        return answers

    def _read_answer(self, request: SlotRequest, answer: Sequence[Any]) -> Slots | SlotsFull | None:
        limits = request.limits
        match answer:
            case ["taken", user_slot, system_slot, user_active, system_active]:
                return Slots(user_slot, system_slot, SlotUse(limits.user, user_active, limits.system, system_active))
            case ["user_full" | "system_full" as outcome, user_active, system_active]:
                full = UserFull if outcome == "user_full" else SystemFull
                return full(request.tier, limits.user, user_active, limits.system, system_active)
        return None

    def _rebuild(self, users: Collection[UUID], *, system: bool, under_way_s: float = UNDER_WAY_S) -> None:
        """Makes the keys of these users, and of the system if asked, agree with PostgreSQL.

        Redis is busy for 0.2 ms with 100 holders of a scope, 1 ms with 1,000, 11 ms with 10,000, 0.2 s with 100,000. If
        that exceeds `TIMEOUT_S`, the script completes all the same, and PostgreSQL picks meanwhile.
        """
        clock = self._ask(self._redis.time)  # before PostgreSQL is read: what is unknown there and old here is invalid
        if clock is None:
            return
        since = clock[0] + clock[1] / 1_000_000 - under_way_s
        found = self._list_holders(None if system else users)
        scopes: dict[str, dict[str, int]] = {self._names.of_user(user_id): {} for user_id in users}
        for holder in found:
            if (scope := self._names.of_user(holder["user_id"])) in scopes:
                scopes[scope][holder["id"]] = holder["user_slot"]
        if system:
            scopes[self._names.system] = {holder["id"]: holder["system_slot"] for holder in found}
        for start in range(0, len(scopes), BATCH):
            batch = dict(islice(scopes.items(), start, start + BATCH))
            self._ask(partial(self._rebuild_scopes, batch, since))

    def _rebuild_scopes(self, scopes: Mapping[str, Mapping[str, int]], since: float) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            for scope, numbers in scopes.items():
                lives_s = 0 if scope == self._names.system else USER_KEYS_S
                values: list[bytes | int | str] = [orjson.dumps(numbers), f"{since:.6f}", MARKER_S, lives_s]
                self._rebuild_script(scope_keys(scope), values, pipe)
            answers = pipe.execute()
        for scope, answer in zip(scopes, answers, strict=True):
            self._remember_foreign(answer)
            if answer[0] == "ok" and answer[1]:
                log.info("slots_rebuilt", extra={"key": scope, "changes": answer[1]})

    def _count(self) -> dict[UUID | None, int]:
        found = {key: self._names.read_user(key) for key in self._redis.scan_iter(self._names.pattern, count=BATCH)}
        scopes = {key: user_id for key, user_id in found.items() if user_id or key == self._names.system}
        with self._redis.pipeline(transaction=False) as pipe:
            for scope in scopes:
                pipe.type(scope)
                pipe.zcard(scope)
            answers = pipe.execute(raise_on_error=False)  # counting a key of another program fails
        counts = {}
        for (scope, user_id), kind, count in zip(scopes.items(), answers[::2], answers[1::2], strict=True):
            if isinstance(count, int):
                counts[user_id] = count
            else:
                self._remember_foreign(["foreign", scope, kind])
        return counts

    def _remember_foreign(self, answer: Sequence[Any]) -> None:
        if answer[0] == "foreign" and (found := (answer[1], answer[2])) != self._foreign:
            self._foreign = found
            log.warning("redis_key_foreign", extra={"key": found[0], "type": found[1]})

    def _ask(self, question: Callable[[], T], within_s: float = TIMEOUT_S) -> T | None:
        """Returns Redis's answer. Returns None if there is none in time, and then does not ask again for a second.

        A trouble is logged once; it ends when a script succeeds.
        """
        if time.monotonic() < self._down_until:
            return None
        try:
            with deadline(within_s):
                return question()
        except RedisError as error:
            if not isinstance(error, ResponseError):
                self._down_until = time.monotonic() + BREAKER_S
            if (trouble := describe_trouble(error)) != self._trouble:
                self._trouble = trouble
                text = str(error) or type(error).__name__
                log.warning("redis_unavailable", extra={"trouble": trouble, "error": text})
            return None
