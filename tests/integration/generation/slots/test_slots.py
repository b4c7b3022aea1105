"""Slots in Redis: what the script answers, and how every drift heals from PostgreSQL."""

import random
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.generation.errors import SystemFull, UserFull
from app.generation.slots import rebuild as rebuilding
from app.generation.slots.holders import Holders, SlotUse
from app.generation.slots.keeper import SlotKeeper
from app.generation.slots.key_names import SYSTEM, marker_key, numbers_key, user_key
from app.generation.tiers import Tier
from app.operations.slot_drift import SlotCount, compare_slots
from app.services import Services
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
MakeServices = Callable[..., Services]


@pytest.fixture
def keeper(make_services_with: MakeServices) -> Any:
    return make_services_with(limit=100).slots


def numbers(client: Redis, key: str) -> list[int]:
    return sorted(int(client.zscore(f"{key}:numbers", str(m)) or 0) for m in client.zrange(f"{key}:numbers", 0, -1))


def age(client: Redis, key: str, member: object, seconds: int) -> None:
    client.zincrby(key, -seconds, str(member))


def taken(keeper: SlotKeeper, generation_id: UUID, user_id: UUID, tier: Tier = Tier.FREE) -> tuple[int, int]:
    slots = keeper.take(generation_id, user_id, tier)
    assert slots is not None
    return slots.user_slot, slots.system_slot


def test_the_lowest_free_numbers_are_proposed(keeper: Any, redis_client: Redis) -> None:
    user, ids = uuid4(), [uuid4() for _ in range(4)]
    assert [taken(keeper, i, user, Tier.PREMIUM) for i in ids] == [(n, n) for n in (1, 2, 3, 4)]
    keeper.release(ids[1], user)
    keeper.release(ids[2], user)
    assert taken(keeper, uuid4(), user, Tier.PREMIUM) == (2, 2)
    assert taken(keeper, uuid4(), uuid4(), Tier.PREMIUM) == (1, 3)
    assert numbers(redis_client, SYSTEM) == [1, 2, 3, 4]


def test_what_is_taken_is_told_with_the_counts_as_they_are_then(keeper: Any) -> None:
    user = uuid4()
    for active in (1, 2):
        slots = keeper.take(uuid4(), user, Tier.STANDARD)
        assert slots.use == SlotUse(3, active, keeper.system_limit, active)
    assert keeper.take(uuid4(), uuid4(), Tier.FREE).use == SlotUse(1, 1, keeper.system_limit, 3)


def test_every_gap_is_found(keeper: Any) -> None:
    users = [uuid4() for _ in range(20)]
    ids = [uuid4() for _ in users]
    for generation, user in zip(ids, users, strict=True):
        keeper.take(generation, user, Tier.FREE)
    for gap in (1, 7, 13, 20):
        keeper.release(ids[gap - 1], users[gap - 1])
    found = [keeper.take(uuid4(), uuid4(), Tier.FREE).system_slot for _ in range(5)]
    assert found == [1, 7, 13, 20, 21]


def test_taking_twice_is_taking_once(keeper: Any, redis_client: Redis) -> None:
    user, generation = uuid4(), uuid4()
    assert taken(keeper, generation, user) == taken(keeper, generation, user) == (1, 1)
    assert redis_client.zcard(SYSTEM) == redis_client.zcard(user_key(user)) == 1


def test_a_holder_is_scored_by_redis_own_clock_and_a_users_keys_expire(keeper: Any, redis_client: Redis) -> None:
    user, generation = uuid4(), uuid4()
    keeper.take(generation, user, Tier.FREE)
    seconds, _ = redis_client.time()
    assert abs((redis_client.zscore(SYSTEM, str(generation)) or 0) - seconds) < 2
    assert 3500 < redis_client.ttl(user_key(user)) <= 3600
    assert redis_client.ttl(SYSTEM) == -1


def test_a_full_user_takes_nothing_of_the_system(keeper: Any, redis_client: Redis) -> None:
    user = uuid4()
    keeper.take(uuid4(), user, Tier.FREE)
    # Proven by PostgreSQL before the refusal: the holder is young, so it may be an admission under way.
    with pytest.raises(UserFull) as refused:
        keeper.take(uuid4(), user, Tier.FREE)
    assert (refused.value.user_active, refused.value.user_limit, refused.value.system_active) == (1, 1, 1)
    assert redis_client.zcard(SYSTEM) == 1


def test_a_full_system_takes_nothing_of_the_user(make_services_with: MakeServices, redis_client: Redis) -> None:
    keeper, user = make_services_with(limit=1).slots, uuid4()
    keeper.take(uuid4(), uuid4(), Tier.FREE)
    with pytest.raises(SystemFull):
        keeper.take(uuid4(), user, Tier.FREE)
    assert not redis_client.exists(user_key(user))


def test_a_users_leaked_slot_is_found_before_it_refuses_anybody(keeper: Any, redis_client: Redis) -> None:
    user, leaked = uuid4(), uuid4()
    keeper.take(leaked, user, Tier.FREE)
    age(redis_client, user_key(user), leaked, 11)
    assert keeper.take(uuid4(), user, Tier.FREE).user_slot == 1


def test_a_systems_leaked_slot_is_found_when_the_marker_is_gone(
    make_services_with: MakeServices, redis_client: Redis
) -> None:
    keeper, leaked = make_services_with(limit=1).slots, uuid4()
    keeper.take(leaked, uuid4(), Tier.FREE)
    age(redis_client, SYSTEM, leaked, 11)
    assert 0 < redis_client.ttl(f"{SYSTEM}:fresh") <= 15
    redis_client.delete(f"{SYSTEM}:fresh")
    assert taken(keeper, uuid4(), uuid4()) == (1, 1)


def test_the_marker_is_renewed_before_it_is_gone_and_by_one(
    make_services_with: MakeServices, redis_client: Redis, wait_until: WaitUntil
) -> None:
    keepers, leaked = [make_services_with(limit=9).slots for _ in range(2)], uuid4()
    keepers[0].take(leaked, uuid4(), Tier.FREE)
    age(redis_client, SYSTEM, leaked, 11)
    redis_client.expire(marker_key(SYSTEM), 6)
    assert taken(keepers[0], uuid4(), uuid4()) == (1, 2)
    assert redis_client.ttl(marker_key(SYSTEM)) <= 6
    redis_client.expire(marker_key(SYSTEM), 2)
    assert taken(keepers[0], uuid4(), uuid4()) == (1, 3)  # answered from what is there
    wait_until(lambda: redis_client.ttl(marker_key(SYSTEM)) > 10)
    assert numbers(redis_client, SYSTEM) == [2, 3]
    redis_client.expire(marker_key(SYSTEM), 2)
    assert taken(keepers[1], uuid4(), uuid4()) == (1, 1)  # the other one has done it a moment ago
    keepers[1].close()
    assert redis_client.ttl(marker_key(SYSTEM)) <= 2


def test_a_renewal_that_fails_fails_nobody(
    make_services_with: MakeServices,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    wait_until: WaitUntil,
) -> None:
    keeper = make_services_with(limit=9).slots
    assert taken(keeper, uuid4(), uuid4()) == (1, 1)
    redis_client.expire(marker_key(SYSTEM), 2)

    def away(_holders: Holders) -> int:
        raise psycopg.OperationalError("the database is away")

    monkeypatch.setattr(Holders, "highest", away)
    assert taken(keeper, uuid4(), uuid4()) == (1, 2)
    wait_until(lambda: "slots_not_compared" in caplog.messages)
    assert redis_client.ttl(marker_key(SYSTEM)) <= 2


def test_an_admission_does_without_a_renewal_that_has_no_thread(
    make_services_with: MakeServices,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keeper = make_services_with(limit=9).slots
    assert taken(keeper, uuid4(), uuid4()) == (1, 1)
    redis_client.expire(marker_key(SYSTEM), 2)

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert taken(keeper, uuid4(), uuid4()) == (1, 2)
    assert "slots_not_compared" in caplog.messages


def test_an_admission_under_way_survives_a_rebuild(keeper: Any, redis_client: Redis) -> None:
    user, generation = uuid4(), uuid4()
    keeper.take(generation, user, Tier.FREE)
    keeper.rebuild_all()
    assert redis_client.zrange(SYSTEM, 0, -1) == redis_client.zrange(user_key(user), 0, -1) == [str(generation)]


def test_a_slot_whose_generation_has_ended_is_gone_with_the_next_rebuild_however_young(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
) -> None:
    services, course = make_services_with(limit=100), make_course()
    ended, under_way = admit_course(services, course), uuid4()
    assert services.slots.take(under_way, course.user_id, Tier.PREMIUM)
    redis_client.zadd(SYSTEM, {"nobody's": 1, "nobody's number": 2})
    conn.execute(
        "update coursegen.generations set status = 'completed', finished_at = now(), user_slot = null,"
        " system_slot = null"
    )
    services.slots.rebuild_all()
    assert ended != under_way
    assert (
        redis_client.zrange(SYSTEM, 0, -1) == redis_client.zrange(user_key(course.user_id), 0, -1) == [str(under_way)]
    )


def _flush(client: Redis, user: UUID) -> None:
    client.flushdb()


def _delete(*keys: str) -> Callable[[Redis, UUID], None]:
    def delete(client: Redis, user: UUID) -> None:
        client.delete(*(key.format(user=user_key(user)) for key in keys))

    return delete


def _wrong_type(*keys: str) -> Callable[[Redis, UUID], None]:
    def spoil(client: Redis, user: UUID) -> None:
        for key in keys:
            client.set(key.format(user=user_key(user)), "not a sorted set")

    return spoil


def _renumber(client: Redis, user: UUID) -> None:
    for key in (SYSTEM, user_key(user)):
        for member in client.zrange(key, 0, -1):
            client.zincrby(f"{key}:numbers", 40, str(member))


@pytest.mark.parametrize(
    "damage",
    [
        _flush,
        _delete(SYSTEM),
        _delete(f"{SYSTEM}:numbers"),
        _delete(SYSTEM, f"{SYSTEM}:numbers"),
        _delete("{user}"),
        _delete("{user}:numbers"),
        _delete("{user}", "{user}:numbers"),
        _wrong_type(SYSTEM),
        _wrong_type("{user}", f"{SYSTEM}:numbers"),
        _renumber,
    ],
)
def test_whatever_happens_to_the_keys_the_next_admission_is_exact(
    services: Services,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    damage: Callable[[Redis, UUID], None],
) -> None:
    user = uuid4()
    for _ in range(2):
        admit_course(services, make_course(user_id=user), Tier.STANDARD)
    damage(redis_client, user)
    admit_course(services, make_course(user_id=user), Tier.STANDARD)
    with pytest.raises((UserFull, SystemFull)):
        admit_course(services, make_course(user_id=user), Tier.STANDARD)
    services.slots.rebuild_all()
    assert numbers(redis_client, SYSTEM) == numbers(redis_client, user_key(user)) == [1, 2, 3]
    assert all(row.drift == 0 for row in compare_slots(services.db, services.slots))


@pytest.mark.parametrize("seed", range(6))
def test_keys_compared_part_by_part_agree_as_a_whole(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(rebuilding, "NUMBERS_AT_ONCE", 3)
    monkeypatch.setattr(rebuilding, "USERS_AT_ONCE", 2)
    services, users, chance = make_services_with(limit=100), [uuid4() for _ in range(5)], random.Random(seed)
    for number in range(11):
        admit_course(services, make_course(user_id=users[number % 5]), Tier.STANDARD)
    keys = [SYSTEM, *map(user_key, users)]
    for key in [*keys, *map(numbers_key, keys)]:
        for member in redis_client.zrange(key, 0, -1):
            match chance.randrange(4):
                case 0:
                    redis_client.zrem(key, str(member))
                case 1:
                    redis_client.zadd(key, {str(member): chance.choice([-5, 0, 0.5, 7, 10**12])})
                case 2:
                    redis_client.zadd(key, {str(uuid4()): chance.randrange(20)})
    services.slots.rebuild_all()
    for key, column, mine in [
        (SYSTEM, "system_slot", "true"),
        *((user_key(user), "user_slot", f"user_id = '{user}'") for user in users),
    ]:
        held = conn.execute(f"select id, {column} as number from coursegen.generations where {mine}").fetchall()
        numbered: Any = redis_client.zrange(numbers_key(key), 0, -1, withscores=True)
        assert dict(numbered) == {str(row["id"]): row["number"] for row in held}
        assert set(redis_client.zrange(key, 0, -1)) == {str(row["id"]) for row in held}
        assert (redis_client.ttl(key) == redis_client.ttl(numbers_key(key)) == -1) == (key == SYSTEM)
        assert 0 < redis_client.ttl(marker_key(key)) <= 15


def test_when_a_holder_was_taken_survives_a_rebuild(
    services: Services, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    generation = admit_course(services, make_course())
    age(redis_client, SYSTEM, generation, 3000)
    taken_at = redis_client.zscore(SYSTEM, str(generation))
    redis_client.delete(numbers_key(SYSTEM))
    services.slots.rebuild_all()
    assert redis_client.zscore(SYSTEM, str(generation)) == taken_at
    assert numbers(redis_client, SYSTEM) == [1]


def test_keys_of_nobody_are_left_alone(services: Services, redis_client: Redis) -> None:
    redis_client.zadd("concurrency:user:nobody", {"nothing": 1})
    services.slots.rebuild_all()
    assert compare_slots(services.db, services.slots) == [SlotCount("global", 0, 0)]
    assert redis_client.zcard("concurrency:user:nobody") == 1


def test_drift_is_shown_and_a_rebuild_ends_it(
    services: Services, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course()
    admit_course(services, course)
    stranger, leaked = uuid4(), uuid4()
    services.slots.take(leaked, stranger, Tier.FREE)
    for key in (SYSTEM, user_key(stranger)):
        age(redis_client, key, leaked, 11)
    redis_client.delete(user_key(course.user_id))
    rows = {row.holder: row for row in compare_slots(services.db, services.slots)}
    assert rows["global"] == SlotCount("global", 1, 2)
    assert rows[str(course.user_id)].drift == -1
    assert rows[str(stranger)].drift == 1
    services.slots.rebuild_all()
    assert compare_slots(services.db, services.slots) == [
        SlotCount("global", 1, 1),
        SlotCount(str(course.user_id), 1, 1),
    ]


def test_without_redis_nothing_is_proposed_and_it_is_left_alone_for_a_while(
    make_services_with: MakeServices, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = make_services_with(with_redis=False).slots
    assert keeper.take(uuid4(), uuid4(), Tier.FREE) is None
    assert keeper.take(uuid4(), uuid4(), Tier.FREE) is None
    keeper.release(uuid4(), uuid4())
    keeper.rebuild_all()
    assert keeper.counts() is None
    assert not keeper.ping()
    assert caplog.messages.count("redis_unavailable") == 1
