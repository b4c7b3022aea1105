"""Idempotency keys: a key starts one generation, also when requests coincide or something breaks."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.database.deadline import deadline
from app.generation.admission.requests import Admission, Order
from app.generation.callers import Caller
from app.generation.errors import (
    AdmissionFailed,
    CourseNotFound,
    Forbidden,
    GenerationActive,
    GenerationError,
    KeyInFlight,
    KeyReused,
    OutcomeUnknown,
    UserFull,
)
from app.generation.slots.holders import SlotUse
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.generation.proxy import Fault, proxied

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
MakeServices = Callable[..., Services]

KEY = "a key"
REQUESTS = 50


def ask(services: Services, course: Course, tier: Tier = Tier.FREE, **order: Any) -> Admission:
    """Asks for the course's generation as its owner, with a key."""
    caller = Caller(order.pop("user_id", course.user_id), tier)
    return services.admissions.admit(caller, Order(course.id, **{"idempotency_key": KEY, **order}))


def finish(conn: Connection, services: Services) -> None:
    """Every generation is over, its slot free and its job gone."""
    for row in rows(conn, "select id, user_id from coursegen.generations where status = 'queued'"):
        services.slots.release(row["id"], row["user_id"])
    conn.execute(
        "update coursegen.generations set status = 'completed', finished_at = now(), user_slot = null,"
        " system_slot = null where status = 'queued'"
    )
    conn.execute("delete from procrastinate_jobs")


def claim(conn: Connection, user_id: UUID, key: str) -> None:
    """The key is claimed until the transaction ends, as by a request that is under way."""
    [row] = rows(conn, "select outcome from coursegen.claim_idempotency_key(%s, %s, '')", user_id, key)
    assert row["outcome"] == "claimed"


def keys(conn: Connection) -> list[DictRow]:
    return rows(conn, "select * from coursegen.idempotency_keys")


def test_the_same_order_again_starts_nothing_and_has_the_same_answer(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse
) -> None:
    course = make_course()
    first = ask(services, course)
    assert (first.replayed, first.use) == (False, SlotUse(1, 1, 3, 1))
    for _ in range(2):
        assert ask(services, course) == Admission(first.generation_id, replayed=True)
    assert rows(conn, "select id, idempotency_key from coursegen.generations") == [
        {"id": first.generation_id, "idempotency_key": KEY}
    ]
    assert len(rows(conn, "select 1 from procrastinate_jobs")) == 1
    assert redis_client.zcard("concurrency:global") == 1
    [kept] = keys(conn)
    assert (kept["user_id"], kept["key"], kept["generation_id"]) == (course.user_id, KEY, first.generation_id)


def test_the_answer_stays_when_the_generation_is_over_and_the_course_is_gone(
    services: Services, conn: Connection, make_course: MakeCourse
) -> None:
    course = make_course()
    first = ask(services, course)
    finish(conn, services)
    assert ask(services, course) == Admission(first.generation_id, replayed=True)
    conn.execute("delete from courses")
    assert ask(services, course) == Admission(first.generation_id, replayed=True)


def test_source_and_request_id_make_no_other_order(services: Services, make_course: MakeCourse) -> None:
    course = make_course()
    first = ask(services, course, source="http", request_id="one")
    assert ask(services, course, source="trpc", request_id="two") == Admission(first.generation_id, replayed=True)


def test_another_order_with_the_key_is_refused(services: Services, conn: Connection, make_course: MakeCourse) -> None:
    user = uuid4()
    course, other = make_course(user_id=user), make_course(user_id=user)
    ask(services, course, Tier.PREMIUM)
    for refused, webhook_url in ((other, None), (course, "https://example.org/hook")):
        with pytest.raises(KeyReused):
            ask(services, refused, Tier.PREMIUM, webhook_url=webhook_url)
    assert len(rows(conn, "select 1 from coursegen.generations")) == 1


def test_other_orders_have_other_fingerprints() -> None:
    course_id = uuid4()
    orders = [
        Order(course_id),
        Order(uuid4()),
        Order(course_id, "https://example.org/"),
        Order(course_id, f'", "{course_id}'),
    ]
    assert len({order.fingerprint for order in orders}) == len(orders)
    assert Order(course_id).fingerprint == Order(course_id, idempotency_key="k", request_id="r").fingerprint


def test_a_key_is_its_user_s(services: Services, make_course: MakeCourse) -> None:
    first, second = (ask(services, make_course()) for _ in range(2))
    assert first.generation_id != second.generation_id
    assert not second.replayed


def test_keys_of_one_user_are_distinct(services: Services, conn: Connection, make_course: MakeCourse) -> None:
    user = uuid4()
    for key in ("a", "A", "a ", "'", "%s", "x" * 255):
        assert not ask(services, make_course(user_id=user), Tier.PREMIUM, idempotency_key=key).replayed
        finish(conn, services)


def test_after_a_refusal_the_key_is_as_good_as_new(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse
) -> None:
    user = uuid4()
    course, other = make_course(user_id=user), make_course(user_id=user)
    with pytest.raises(Forbidden):
        ask(services, make_course(), user_id=user)
    with pytest.raises(CourseNotFound):
        ask(services, Course(uuid4(), "x", user))
    assert ask(services, other, idempotency_key=None).use == SlotUse(1, 1, 3, 1)
    with pytest.raises(UserFull):
        ask(services, course)
    with pytest.raises(GenerationActive) as active:
        ask(services, other)
    assert active.value.generation_id is not None
    assert keys(conn) == []
    assert redis_client.zcard("concurrency:global") == 1
    finish(conn, services)
    assert not ask(services, course).replayed


def test_after_a_rollback_the_key_is_as_good_as_new(
    services: Services, conn: Connection, make_course: MakeCourse
) -> None:
    course = make_course()
    conn.execute("alter table coursegen.generations add constraint refused check (tier <> 'FREE') not valid")
    try:
        with pytest.raises(AdmissionFailed):
            ask(services, course)
    finally:
        conn.execute("alter table coursegen.generations drop constraint refused")
    assert keys(conn) == []
    assert not ask(services, course).replayed


def test_after_a_day_the_key_may_be_used_again(services: Services, conn: Connection, make_course: MakeCourse) -> None:
    user = uuid4()
    course, other = make_course(user_id=user), make_course(user_id=user)
    first = ask(services, course)
    finish(conn, services)
    conn.execute("update coursegen.idempotency_keys set created_at = now() - interval '23 hours 59 minutes'")
    assert ask(services, course).replayed
    conn.execute("update coursegen.idempotency_keys set created_at = now() - interval '24 hours'")
    second = ask(services, other)
    assert (second.replayed, second.generation_id == first.generation_id) == (False, False)
    assert [kept["generation_id"] for kept in keys(conn)] == [second.generation_id]
    assert ask(services, other).replayed


def test_while_one_is_under_way_the_next_is_refused_at_once_and_takes_no_slot(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse
) -> None:
    course = make_course()
    with conn.transaction():
        claim(conn, course.user_id, KEY)
        with pytest.raises(KeyInFlight):
            ask(services, course)
        assert redis_client.zcard("concurrency:global") == 0
        assert not ask(services, course, idempotency_key="another").replayed
    finish(conn, services)
    assert not ask(services, course).replayed


@pytest.mark.parametrize("with_redis", [True, False])
def test_of_fifty_at_once_one_starts_and_the_others_are_refused_or_repeat_its_answer(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, with_redis: bool
) -> None:
    services = [make_services_with(limit=100, with_redis=with_redis) for _ in range(2)]
    course = make_course()
    gate = threading.Barrier(REQUESTS)

    def send(position: int) -> Any:
        gate.wait(30)
        try:
            return ask(services[position % 2], course)
        except GenerationError as refusal:
            return type(refusal)

    with ThreadPoolExecutor(REQUESTS) as threads:
        outcomes = Counter(threads.map(send, range(REQUESTS)))
    [generation] = rows(conn, "select id from coursegen.generations")
    assert len(rows(conn, "select 1 from procrastinate_jobs")) == 1
    assert len(keys(conn)) == 1
    replay = Admission(generation["id"], replayed=True)
    assert outcomes.keys() <= {Admission(generation["id"], SlotUse(1, 1, 100, 1)), replay, KeyInFlight}
    assert sum(count for outcome, count in outcomes.items() if outcome not in (replay, KeyInFlight)) == 1
    assert ask(services[0], course) == replay


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_connection_lost_during_the_commit_starts_exactly_one(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, database_url: str, fault: Fault
) -> None:
    course = make_course()
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        proxy.arm(b"admit_generations_v2", fault)
        admission = ask(services, course)
        assert not admission.replayed
        assert rows(conn, "select id from coursegen.generations") == [{"id": admission.generation_id}]
        assert ask(services, course) == Admission(admission.generation_id, replayed=True)


def test_a_client_left_without_an_answer_finds_it_by_asking_again(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, database_url: str
) -> None:
    course = make_course()
    with proxied(database_url) as proxy:
        services = make_services_with(database_url=proxy.url)
        proxy.arm(b"admit_generations_v2", Fault.CUT_AFTER, refuse_after=True)
        with pytest.raises(OutcomeUnknown), deadline(2):
            ask(services, course)
    [generation] = rows(conn, "select id from coursegen.generations")
    assert ask(make_services_with(), course) == Admission(generation["id"], replayed=True)


def test_with_a_single_connection_lost_slots_are_put_right_under_the_claim(
    make_services_with: MakeServices, conn: Connection, redis_client: Redis, make_course: MakeCourse
) -> None:
    services = make_services_with(pool_size=1, limit=100)
    user = uuid4()
    courses = [make_course(user_id=user) for _ in range(3)]
    for number, course in enumerate(courses, 1):
        redis_client.flushdb()
        assert ask(services, course, Tier.STANDARD, idempotency_key=str(number)).use == SlotUse(3, number, 100, number)
    with pytest.raises(UserFull):
        ask(services, make_course(user_id=user), Tier.STANDARD)


def test_numbers_that_clash_are_picked_anew_under_a_claim_of_its_own(
    services: Services, conn: Connection, redis_client: Redis, make_course: MakeCourse
) -> None:
    ask(services, make_course())
    for key in ("concurrency:global", "concurrency:global:numbers"):
        redis_client.delete(key)
    course = make_course()
    assert not ask(services, course).replayed
    numbers = rows(conn, "select system_slot from coursegen.generations order by 1")
    assert [row["system_slot"] for row in numbers] == [1, 2]
    assert ask(services, course).replayed


def test_a_key_costs_one_round_trip_more(
    make_services_with: MakeServices, make_course: MakeCourse, redis_url: str, database_url: str
) -> None:
    with proxied(database_url) as database, proxied(redis_url) as redis_proxy:
        services = make_services_with(limit=100, database_url=database.url, redis_url=redis_proxy.url, pool_size=1)
        for _ in range(8):  # until its connections are open, statements prepared, the script loaded
            ask(services, make_course())
        before = database.turns, database.commits, redis_proxy.turns
        course = make_course()
        ask(services, course)
        assert (database.turns - before[0], database.commits - before[1]) == (3, 0)
        assert redis_proxy.turns - before[2] == 1
        before = database.turns, database.commits, redis_proxy.turns
        assert ask(services, course).replayed
        assert database.turns - before[0] == 2
        assert redis_proxy.turns == before[2]
