"""Redis compared with PostgreSQL, for operators."""

from uuid import uuid4

import psycopg
from psycopg.rows import DictRow

from app.operations.listings import compare_slots
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit
from tests.integration.generation.slots.conftest import NAMES, SYSTEM, Redis, make_older, take

Connection = psycopg.Connection[DictRow]


def count(holder: object, postgresql: int, redis: int) -> DictRow:
    return {"holder": str(holder), "postgresql": postgresql, "redis": redis, "drift": redis - postgresql}


def test_a_generation_that_awaits_approval_holds_its_users_slot_alone(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course()
    generation = admit_course(services, course)
    make_older(redis_client, SYSTEM, generation)
    conn.execute("update coursegen.generations set status = 'awaiting_approval', system_slot = null")
    services.slots.rebuild_all()
    assert redis_client.zrange(NAMES.of_user(course.user_id), 0, -1) == [str(generation)]
    assert not redis_client.exists(SYSTEM)
    rows = compare_slots(services)
    assert rows == [count("global", 0, 0), count(course.user_id, 1, 1)]


def test_keys_of_nobody_are_left_alone(services: Services, redis_client: Redis) -> None:
    redis_client.zadd("concurrency:user:nobody", {"nothing": 1})
    services.slots.rebuild_all()
    assert compare_slots(services) == [count("global", 0, 0)]
    assert redis_client.zcard("concurrency:user:nobody") == 1


def test_drift_is_shown_and_a_rebuild_ends_it(
    services: Services, redis_client: Redis, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course()
    admit_course(services, course)
    stranger, leaked = uuid4(), uuid4()
    take(services.slots, stranger, leaked)
    for scope in (SYSTEM, NAMES.of_user(stranger)):
        make_older(redis_client, scope, leaked)
    redis_client.delete(NAMES.of_user(course.user_id))
    rows = {row["holder"]: row for row in compare_slots(services)}
    assert rows["global"] == count("global", 1, 2)
    assert rows[str(course.user_id)]["drift"] == -1
    assert rows[str(stranger)]["drift"] == 1
    services.slots.rebuild_all()
    assert compare_slots(services) == [
        count("global", 1, 1),
        count(course.user_id, 1, 1),
    ]
