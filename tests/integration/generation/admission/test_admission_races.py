"""Many admissions at once: never more than the limits, and no fewer where there is room."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.generation.errors import GenerationActive, GenerationError, SystemFull, UserFull
from app.generation.tiers import Tier
from app.services import Services
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import Admit, rows

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
MakeServices = Callable[..., Services]
REQUESTS = 50


def admit_at_once(admit_course: Admit, services: list[Services], courses: list[Course], tier: Tier) -> Counter[Any]:
    """How the requests for the courses ended, all let go at the same moment, spread over the services."""
    gate = threading.Barrier(len(courses))

    def ask(position: int, course: Course) -> Any:
        gate.wait(30)
        try:
            admit_course(services[position % len(services)], course, tier)
        except GenerationError as refusal:
            return type(refusal)
        return "admitted"

    with ThreadPoolExecutor(len(courses)) as threads:
        return Counter(threads.map(ask, range(len(courses)), courses))


def consistent(conn: Connection) -> bool:
    """Every active generation has its job and its started course."""
    [row] = rows(
        conn,
        """select
            (select count(*) from coursegen.generations) as generations,
            (select count(*) from procrastinate_jobs) as jobs,
            (select count(*) from courses where status = 'initializing') as courses""",
    )
    return bool(row["generations"] == row["jobs"] == row["courses"])


@pytest.mark.parametrize("with_redis", [True, False])
def test_of_identical_requests_exactly_one_is_admitted(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_course: Admit, with_redis: bool
) -> None:
    services = make_services_with(limit=100, with_redis=with_redis)
    outcomes = admit_at_once(admit_course, [services], [make_course()] * REQUESTS, Tier.PREMIUM)
    assert outcomes["admitted"] == 1
    assert outcomes.keys() <= {"admitted", GenerationActive, UserFull}
    assert consistent(conn)


@pytest.mark.parametrize("with_redis", [True, False])
@pytest.mark.parametrize("limit", [3, 10])
def test_of_competing_users_exactly_as_many_are_admitted_as_the_system_may_have(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    with_redis: bool,
    limit: int,
) -> None:
    services = make_services_with(limit=limit, with_redis=with_redis)
    outcomes = admit_at_once(admit_course, [services], [make_course() for _ in range(REQUESTS)], Tier.FREE)
    assert outcomes == {"admitted": limit, SystemFull: REQUESTS - limit}
    assert consistent(conn)


@pytest.mark.parametrize("with_redis", [True, False])
def test_of_one_users_competing_courses_exactly_as_many_are_admitted_as_the_tier_allows(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_course: Admit, with_redis: bool
) -> None:
    services = make_services_with(limit=100, with_redis=with_redis)
    user = uuid4()
    outcomes = admit_at_once(
        admit_course, [services], [make_course(user_id=user) for _ in range(REQUESTS)], Tier.PREMIUM
    )
    assert outcomes == {"admitted": 5, UserFull: REQUESTS - 5}
    assert consistent(conn)


def test_the_limit_holds_where_one_process_sees_redis_and_another_does_not(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_course: Admit
) -> None:
    seeing, blind = make_services_with(limit=5), make_services_with(limit=5, with_redis=False)
    outcomes = admit_at_once(admit_course, [seeing, blind], [make_course() for _ in range(REQUESTS)], Tier.FREE)
    assert outcomes["admitted"] <= 5
    assert consistent(conn)
    for _ in range(5 - outcomes["admitted"]):
        admit_course(seeing, make_course())
    with pytest.raises(SystemFull):
        admit_course(seeing, make_course())


@pytest.mark.parametrize("with_redis", [True, False])
def test_who_waits_for_a_course_has_nobody_else_wait(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
    wait_until: WaitUntil,
    with_redis: bool,
) -> None:
    services = make_services_with(limit=5, with_redis=with_redis)
    held, other = make_course(), make_course()

    def waits() -> bool:
        return rows(conn, "select 1 from pg_stat_activity where wait_event_type = 'Lock'") != []

    with ThreadPoolExecutor(2) as threads, psycopg.connect(database_url) as holder:
        holder.execute("select from courses where id = %s for update", [held.id])
        waiting = threads.submit(admit_course, services, held)
        wait_until(waits)
        admitted = threads.submit(admit_course, services, other).result(timeout=2)
        assert not waiting.done()
        holder.commit()
        both = {waiting.result(timeout=10), admitted}
    assert {row["id"] for row in rows(conn, "select id from coursegen.generations")} == both


def test_the_limit_holds_while_redis_is_emptied_again_and_again(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
) -> None:
    services = make_services_with(limit=5)
    courses = [make_course() for _ in range(REQUESTS)]
    done = threading.Event()

    def empty() -> None:
        while not done.is_set():
            redis_client.flushdb()

    vandal = threading.Thread(target=empty)
    vandal.start()
    try:
        outcomes = admit_at_once(admit_course, [services], courses, Tier.FREE)
    finally:
        done.set()
        vandal.join()
    assert 1 <= outcomes["admitted"] <= 5
    assert len(rows(conn, "select 1 from coursegen.generations")) == outcomes["admitted"]
    assert consistent(conn)
