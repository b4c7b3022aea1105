"""Keys of another program in the same Redis: never overwritten, reported, and avoided by a prefix."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from app import create_app
from app.generation.errors import UserFull
from app.generation.slots.key_names import KeyNames, scope_keys
from app.operations.listings import compare_slots
from app.services import Services, make_services
from app.settings import Settings
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit
from tests.integration.generation.slots.conftest import MARKER, NAMES, NUMBERS, SYSTEM, Redis, claim, numbers_of, take

Write = Callable[[Redis, str], object]

#: Counters as the old stack writes them, and other types.
WRITES: list[Write] = [
    lambda client, key: client.incr(key),
    lambda client, key: client.hset(key, "field", "value"),
    lambda client, key: client.rpush(key, "first"),
    lambda client, key: client.sadd(key, "member"),
]


@pytest.fixture
def user() -> UUID:
    return uuid4()


def dump_all(client: Redis) -> dict[str, Any]:
    """Every key with its value and time to live."""
    return {key: (client.dump(key), client.ttl(key)) for key in client.scan_iter()}


@pytest.mark.parametrize("key", [SYSTEM, NUMBERS])
@pytest.mark.parametrize("write", WRITES)
def test_a_foreign_key_of_the_system_is_never_touched_and_postgresql_decides(
    services: Services, redis_client: Redis, make_course: MakeCourse, admit_course: Admit, write: Write, key: str
) -> None:
    write(redis_client, key)
    before, course = dump_all(redis_client), make_course()
    generation = admit_course(services, course)
    with pytest.raises(UserFull):
        admit_course(services, make_course(user_id=course.user_id))
    services.slots.rebuild_all()
    services.slots.rebuild_after_clash(generation, course.user_id)
    services.slots.release(generation, course.user_id)
    assert dump_all(redis_client).items() >= before.items()
    assert key in str(services.slots.problem())


def test_a_marker_of_another_type_is_never_touched(services: Services, redis_client: Redis) -> None:
    redis_client.rpush(MARKER, "first")
    before = dump_all(redis_client)
    assert services.slots.take_all([claim(uuid4(), uuid4())]) == [None]
    services.slots.rebuild_all()
    assert dump_all(redis_client) == before


@pytest.mark.parametrize("write", WRITES)
def test_a_foreign_key_of_a_user_concerns_that_user_alone(
    services: Services,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    user: UUID,
    write: Write,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = NAMES.of_user(user)
    write(redis_client, key)
    before = redis_client.dump(key), redis_client.ttl(key)
    foreign, ours = services.slots.take_all([claim(user, uuid4()), claim(uuid4(), uuid4())])
    assert foreign is None
    assert ours is not None
    generation = admit_course(services, make_course(user_id=user))
    with pytest.raises(UserFull):
        admit_course(services, make_course(user_id=user))
    services.slots.rebuild_all()
    services.slots.release(generation, user)
    assert (redis_client.dump(key), redis_client.ttl(key)) == before
    assert str(generation) not in redis_client.zrange(SYSTEM, 0, -1)
    assert caplog.messages.count("redis_key_foreign") == 1


def test_the_problem_ends_with_the_foreign_key(services: Services, redis_client: Redis, user: UUID) -> None:
    assert services.slots.problem() is None
    redis_client.set(NAMES.of_user(user), 1)
    assert services.slots.problem() is None  # not met yet
    assert services.slots.take_all([claim(user, uuid4())]) == [None]
    assert services.slots.problem() == "the key concurrency:user:* is a string of another program: set REDIS_PREFIX"
    redis_client.delete(NAMES.of_user(user))
    assert services.slots.problem() is None
    assert take(services.slots, user, uuid4()).user_slot == 1


def test_the_problem_is_looked_for_without_taking_or_electing_anything(services: Services, redis_client: Redis) -> None:
    assert services.slots.problem() is None
    assert redis_client.dbsize() == 0


def test_readyz_and_the_doctor_say_why(clean: None, settings: Settings, redis_client: Redis, user: UUID) -> None:
    app = create_app(settings)
    for key in (NAMES.of_user(user), SYSTEM):
        redis_client.set(key, 1)
        doctor = app.test_cli_runner().invoke(args=["doctor", "--json"])
        found = {row["check"]: row for row in json.loads(doctor.stdout)}
        assert found["redis"]["state"] == "warning"
        assert f"the key {key.replace(str(user), '*')} is a string" in found["redis"]["found"]
        assert "REDIS_PREFIX" in found["redis"]["advice"]
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.json and ready.json["status"]) == (200, "degraded")
    assert f"the key {SYSTEM} is a string" in ready.json["checks"]["redis"]  # type: ignore[index]
    app.extensions["services"].close()


def test_with_a_prefix_both_programs_keep_their_keys(
    clean: None, settings: Settings, redis_client: Redis, make_course: MakeCourse, admit_course: Admit, user: UUID
) -> None:
    old = {SYSTEM: "2", NAMES.of_user(user): "1"}
    redis_client.mset(old)
    services, names = make_services(replace(settings, redis_prefix="cg:")), KeyNames("cg:")
    try:
        generation = admit_course(services, make_course(user_id=user))
        assert services.slots.problem() is None
        assert numbers_of(redis_client, "cg:concurrency:global") == [1]
        assert all(row["drift"] == 0 for row in compare_slots(services))
        redis_client.delete(*scope_keys(names.system), *scope_keys(names.of_user(user)))
        services.slots.rebuild_all()
        assert numbers_of(redis_client, names.of_user(user)) == [1]
        services.slots.release(generation, user)
    finally:
        services.close()
    assert [redis_client.get(key) for key in old] == list(old.values())
    ours = {*scope_keys(names.system), *scope_keys(names.of_user(user))}
    assert {*redis_client.scan_iter()} <= {*old, *ours}
