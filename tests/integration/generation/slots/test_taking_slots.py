"""Taking and releasing slots in Redis."""

from typing import Any
from uuid import uuid4

import pytest

from app.generation.errors import SystemFull, UserFull
from app.generation.slots.holders import SlotUse
from app.generation.slots.keeper import SlotKeeper
from app.generation.tiers import Tier
from tests.integration.generation.slots.conftest import (
    NAMES,
    NUMBERS,
    SYSTEM,
    SYSTEM_LIMIT,
    MakeServices,
    Redis,
    claim,
    numbers_of,
    take,
)


def test_the_lowest_free_numbers_are_proposed(keeper: SlotKeeper, redis_client: Redis) -> None:
    user, ids = uuid4(), [uuid4() for _ in range(4)]
    taken = [take(keeper, user, generation_id, Tier.PREMIUM) for generation_id in ids]
    assert [(slots.user_slot, slots.system_slot) for slots in taken] == [(n, n) for n in (1, 2, 3, 4)]
    keeper.release(ids[1], user)
    keeper.release(ids[2], user)
    slots = take(keeper, user, uuid4(), Tier.PREMIUM)
    assert (slots.user_slot, slots.system_slot) == (2, 2)
    slots = take(keeper, uuid4(), uuid4(), Tier.PREMIUM)
    assert (slots.user_slot, slots.system_slot) == (1, 3)
    assert numbers_of(redis_client, SYSTEM) == [1, 2, 3, 4]


def test_slots_come_with_the_counts_of_that_moment(keeper: SlotKeeper) -> None:
    user = uuid4()
    for active in (1, 2):
        assert take(keeper, user, uuid4(), Tier.STANDARD).use == SlotUse(3, active, SYSTEM_LIMIT, active)
    assert take(keeper, uuid4(), uuid4()).use == SlotUse(1, 1, SYSTEM_LIMIT, 3)


def test_every_gap_is_found(keeper: SlotKeeper) -> None:
    users = [uuid4() for _ in range(20)]
    ids = [uuid4() for _ in users]
    for generation, user in zip(ids, users, strict=True):
        take(keeper, user, generation)
    for gap in (1, 7, 13, 20):
        keeper.release(ids[gap - 1], users[gap - 1])
    assert [take(keeper, uuid4(), uuid4()).system_slot for _ in range(5)] == [1, 7, 13, 20, 21]


def test_taking_twice_is_taking_once(keeper: SlotKeeper, redis_client: Redis) -> None:
    user, generation = uuid4(), uuid4()
    assert take(keeper, user, generation) == take(keeper, user, generation)
    assert redis_client.zcard(SYSTEM) == redis_client.zcard(NAMES.of_user(user)) == 1


def test_releasing_twice_is_releasing_once(keeper: SlotKeeper, redis_client: Redis) -> None:
    user, generation, other = uuid4(), uuid4(), uuid4()
    take(keeper, user, generation, Tier.BASIC)
    take(keeper, user, other, Tier.BASIC)
    keeper.release(generation, user)
    keeper.release(generation, user)
    assert redis_client.zrange(SYSTEM, 0, -1) == redis_client.zrange(NAMES.of_user(user), 0, -1) == [str(other)]


def test_claims_of_one_call_are_answered_in_their_order(keeper: SlotKeeper) -> None:
    user = uuid4()
    requests = [claim(owner, uuid4(), system_limit=3) for owner in (user, user, uuid4(), uuid4(), uuid4())]
    first, refused, second, third, last = keeper.take_all(requests)
    assert isinstance(refused, UserFull)
    assert isinstance(last, SystemFull)
    numbers: list[Any] = [first, second, third]
    assert [slots.system_slot for slots in numbers] == [1, 2, 3]
    assert keeper.take_all([]) == []


def test_a_holder_is_scored_by_redis_own_clock_and_a_users_keys_expire(keeper: SlotKeeper, redis_client: Redis) -> None:
    user, generation = uuid4(), uuid4()
    take(keeper, user, generation)
    seconds, _ = redis_client.time()
    assert abs((redis_client.zscore(SYSTEM, str(generation)) or 0) - seconds) < 2
    assert 3500 < redis_client.ttl(NAMES.of_user(user)) <= 3600
    assert redis_client.ttl(SYSTEM) == -1


def test_a_full_user_takes_nothing_of_the_system(keeper: SlotKeeper, redis_client: Redis) -> None:
    user = uuid4()
    take(keeper, user, uuid4())
    # PostgreSQL is read before the refusal. The holder stays: it is young, so it may be an admission under way.
    with pytest.raises(UserFull) as refused:
        take(keeper, user, uuid4())
    assert (refused.value.user_active, refused.value.user_limit, refused.value.system_active) == (1, 1, 1)
    assert redis_client.zcard(SYSTEM) == 1


def test_a_full_system_takes_nothing_of_the_user(keeper: SlotKeeper, redis_client: Redis) -> None:
    user = uuid4()
    take(keeper, uuid4(), uuid4(), system_limit=1)
    with pytest.raises(SystemFull):
        take(keeper, user, uuid4(), system_limit=1)
    assert not redis_client.exists(NAMES.of_user(user))


def test_a_generation_that_lost_one_of_its_slots_keeps_the_other_and_takes_a_new_one(
    keeper: SlotKeeper, redis_client: Redis
) -> None:
    user, generation = uuid4(), uuid4()
    take(keeper, user, uuid4(), Tier.BASIC)
    take(keeper, user, generation, Tier.BASIC)
    for key in (SYSTEM, NUMBERS):
        redis_client.zrem(key, str(generation))
    take(keeper, uuid4(), uuid4())
    slots = take(keeper, user, generation, Tier.BASIC)
    assert (slots.user_slot, slots.system_slot) == (2, 3)
    assert slots.use == SlotUse(2, 2, SYSTEM_LIMIT, 3)


def test_without_redis_nothing_is_proposed_and_it_is_left_alone_for_a_while(
    make_services_with: MakeServices, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = make_services_with(with_redis=False).slots
    for _ in range(2):
        assert keeper.take_all([claim(uuid4(), uuid4())] * 2) == [None, None]
    keeper.release(uuid4(), uuid4())
    keeper.rebuild_after_clash(uuid4(), uuid4())
    keeper.rebuild_all()
    assert keeper.counts() is None
    assert keeper.problem() == "unavailable"
    assert caplog.messages.count("redis_unavailable") == 1
