"""Every drift between Redis and PostgreSQL heals."""

import random
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import DictRow

import app.services
from app.database.pool import Database
from app.generation.errors import SystemFull, UserFull
from app.generation.slots.holders import list_holders
from app.generation.slots.keeper import SlotKeeper
from app.generation.slots.key_names import scope_keys
from app.generation.tiers import Tier
from app.operations.listings import compare_slots
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit
from tests.integration.generation.slots.conftest import (
    MARKER,
    NAMES,
    NUMBERS,
    SYSTEM,
    MakeServices,
    Redis,
    make_older,
    numbers_of,
    take,
)

Connection = psycopg.Connection[DictRow]


def test_a_users_leaked_slot_is_found_before_it_refuses_anybody(keeper: SlotKeeper, redis_client: Redis) -> None:
    user, leaked = uuid4(), uuid4()
    take(keeper, user, leaked)
    make_older(redis_client, NAMES.of_user(user), leaked)
    redis_client.delete(scope_keys(NAMES.of_user(user))[2])
    assert take(keeper, user, uuid4()).user_slot == 1


def test_a_systems_leaked_slot_is_found_when_the_marker_is_gone(keeper: SlotKeeper, redis_client: Redis) -> None:
    leaked = uuid4()
    take(keeper, uuid4(), leaked, system_limit=1)
    make_older(redis_client, SYSTEM, leaked)
    assert 0 < redis_client.ttl(MARKER) <= 15
    redis_client.delete(MARKER)
    assert take(keeper, uuid4(), uuid4(), system_limit=1).system_slot == 1


def test_a_holder_from_the_future_is_old(make_services_with: MakeServices, redis_client: Redis) -> None:
    keeper, leaked, user = make_services_with(limit=1).slots, uuid4(), uuid4()
    take(keeper, user, leaked)
    for scope in (SYSTEM, NAMES.of_user(user)):
        make_older(redis_client, scope, leaked, -3600)
    keeper.rebuild_all()
    assert not redis_client.exists(SYSTEM, NUMBERS, NAMES.of_user(user))


def test_an_admission_under_way_survives_a_rebuild(keeper: SlotKeeper, redis_client: Redis) -> None:
    user, generation = uuid4(), uuid4()
    take(keeper, user, generation)
    keeper.rebuild_all()
    assert redis_client.zrange(SYSTEM, 0, -1) == redis_client.zrange(NAMES.of_user(user), 0, -1) == [str(generation)]


def test_an_admission_that_begins_during_a_rebuild_survives_it(
    keeper: SlotKeeper, redis_client: Redis, redis_url: str
) -> None:
    user, late = uuid4(), uuid4()

    def read_before_late_admission(users: object) -> list[DictRow]:
        take(keeper, user, late)
        return []

    take(keeper, uuid4(), uuid4())
    redis_client.delete(MARKER)
    rebuilding = SlotKeeper(redis_url, read_before_late_admission)
    take(rebuilding, uuid4(), uuid4())
    rebuilding.close()
    assert str(late) in redis_client.zrange(SYSTEM, 0, -1)
    assert numbers_of(redis_client, SYSTEM) == [1, 2, 3]


def test_two_admissions_under_way_never_keep_the_same_number(keeper: SlotKeeper, redis_client: Redis) -> None:
    first, second = uuid4(), uuid4()
    take(keeper, uuid4(), first)
    take(keeper, uuid4(), second)
    redis_client.zadd(NUMBERS, {str(second): 1})
    keeper.rebuild_all()
    assert numbers_of(redis_client, SYSTEM) == [1]
    assert redis_client.zcard(SYSTEM) == 1


def test_a_slot_whose_generation_has_ended_is_gone_with_the_next_rebuild_however_young(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
) -> None:
    services, course = make_services_with(limit=100), make_course()
    ended, under_way = admit_course(services, course), uuid4()
    take(services.slots, course.user_id, under_way, Tier.PREMIUM)
    redis_client.zadd(SYSTEM, {"nobody's": 1, "nobody's number": 2})
    conn.execute(
        "update coursegen.generations"
        " set status = 'completed', finished_at = now(), user_slot = null, system_slot = null"
    )
    services.slots.rebuild_all()
    assert ended != under_way
    of_user = redis_client.zrange(NAMES.of_user(course.user_id), 0, -1)
    assert redis_client.zrange(SYSTEM, 0, -1) == of_user == [str(under_way)]


def test_one_of_many_requests_rebuilds_when_the_marker_is_gone(
    make_services_with: MakeServices, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def note(db: Database, users: Collection[UUID] | None) -> list[DictRow]:
        reads.append(users)
        return list_holders(db, users)

    monkeypatch.setattr(app.services, "list_holders", note)
    keepers = [make_services_with(limit=100).slots for _ in range(4)]
    take(keepers[0], uuid4(), uuid4())
    reads.clear()
    redis_client.delete(MARKER)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda keeper: take(keeper, uuid4(), uuid4()), keepers * 5))
    assert reads == [None]
    assert sorted(slots.system_slot for slots in taken) == list(range(2, 22))
    assert redis_client.get(MARKER) == "fresh"


def test_nobody_takes_a_slot_of_an_emptied_redis_before_it_is_rebuilt(
    services: Services, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    admit_course(services, make_course())
    redis_client.flushdb()
    redis_client.set(MARKER, "rebuilding")  # another process has begun, and died
    assert take(services.slots, uuid4(), uuid4()).system_slot == 2


def test_rebuilds_at_once_agree(
    make_services_with: MakeServices, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    services = make_services_with(limit=100)
    for _ in range(5):
        admit_course(services, make_course())
    redis_client.flushdb()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: services.slots.rebuild_all(), range(8)))
    assert numbers_of(redis_client, SYSTEM) == [1, 2, 3, 4, 5]
    assert all(row["drift"] == 0 for row in compare_slots(services))


def _flush(client: Redis, user: UUID) -> None:
    client.flushdb()


def _delete(*keys: str) -> Callable[[Redis, UUID], None]:
    def delete(client: Redis, user: UUID) -> None:
        client.delete(*(key.format(user=NAMES.of_user(user)) for key in keys))

    return delete


def _renumber(client: Redis, user: UUID) -> None:
    for scope in (SYSTEM, NAMES.of_user(user)):
        for member in client.zrange(scope, 0, -1):
            client.zincrby(f"{scope}:numbers", 40, str(member))


@pytest.mark.parametrize(
    "damage",
    [
        _flush,
        _delete(SYSTEM),
        _delete(NUMBERS),
        _delete(SYSTEM, NUMBERS),
        _delete("{user}"),
        _delete("{user}:numbers"),
        _delete("{user}", "{user}:numbers"),
        _renumber,
    ],
)
def test_the_next_admission_is_exact_after_any_change_of_the_keys(
    services: Services,
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
    assert numbers_of(redis_client, SYSTEM) == numbers_of(redis_client, NAMES.of_user(user)) == [1, 2, 3]
    assert all(row["drift"] == 0 for row in compare_slots(services))


@pytest.mark.parametrize("seed", range(6))
def test_a_rebuild_corrects_any_mixture_of_members(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    seed: int,
) -> None:
    services, users, chance = make_services_with(limit=100), [uuid4() for _ in range(5)], random.Random(seed)
    for number in range(11):
        admit_course(services, make_course(user_id=users[number % 5]), Tier.STANDARD)
    scopes = [SYSTEM, *map(NAMES.of_user, users)]
    for key in [key for scope in scopes for key in scope_keys(scope)[:2]]:
        for member in redis_client.zrange(key, 0, -1):
            match chance.randrange(4):
                case 0:
                    redis_client.zrem(key, str(member))
                case 1:
                    redis_client.zadd(key, {str(member): chance.choice([-5, 0, 0.5, 7, 10**12])})
                case 2:
                    redis_client.zadd(key, {str(uuid4()): chance.randrange(20)})
    services.slots.rebuild_all()
    for scope, column, mine in [
        (SYSTEM, "system_slot", "true"),
        *((NAMES.of_user(user), "user_slot", f"user_id = '{user}'") for user in users),
    ]:
        holders, numbers, marker = scope_keys(scope)
        held = conn.execute(f"select id, {column} as number from coursegen.generations where {mine}").fetchall()
        numbered: Any = redis_client.zrange(numbers, 0, -1, withscores=True)
        assert dict(numbered) == {str(row["id"]): row["number"] for row in held}
        assert set(redis_client.zrange(holders, 0, -1)) == {str(row["id"]) for row in held}
        assert (redis_client.ttl(holders) == redis_client.ttl(numbers) == -1) == (scope == SYSTEM)
        assert 0 < redis_client.ttl(marker) <= 15


def test_when_a_holder_was_taken_survives_a_rebuild(
    services: Services, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    generation = admit_course(services, make_course())
    make_older(redis_client, SYSTEM, generation, 3000)
    taken_at = redis_client.zscore(SYSTEM, str(generation))
    redis_client.delete(NUMBERS)
    services.slots.rebuild_all()
    assert redis_client.zscore(SYSTEM, str(generation)) == taken_at
    assert numbers_of(redis_client, SYSTEM) == [1]
