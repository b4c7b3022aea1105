"""Live controls: an operator's change binds the next admission in every process."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.deadline import deadline
from app.generation.admission.requests import Order
from app.generation.audit import Actor
from app.generation.callers import Caller
from app.generation.errors import (
    AdmissionsPaused,
    BadTier,
    ControlsBusy,
    LimitOutOfBounds,
    NotOverridden,
    NotPaused,
    SystemFull,
    UserFull,
)
from app.generation.slots.keeper import SlotKeeper
from app.generation.tiers import Tier
from app.operations import controls
from app.operations.actions import start
from app.services import Services
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import Admit, nothing_started, rows

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
MakeServices = Callable[..., Services]

WHO = Actor("operator", "asked")


@pytest.fixture
def tiers(conn: Connection) -> Iterator[None]:
    """The tiers may be changed: they are put back after the test."""
    before = rows(conn, "select * from coursegen.tiers")
    yield
    for tier in before:
        conn.execute(
            "update coursegen.tiers set slots = %(slots)s, priority = %(priority)s where tier = %(tier)s", tier
        )


def end(conn: Connection, services: Services, generation_id: UUID) -> None:
    """The generation is completed, and its slots are free."""
    query = """
        update coursegen.generations
        set status = 'completed', finished_at = now(), user_slot = null, system_slot = null
        where id = %s returning user_id
    """
    [row] = rows(conn, query, generation_id)
    services.slots.release(generation_id, row["user_id"])


def audited(conn: Connection) -> list[tuple[Any, ...]]:
    query = "select action, actor, reason, details from coursegen.audit order by id"
    return [tuple(row.values()) for row in rows(conn, query)]


def test_paused_admissions_refuse_everybody_and_repeat_what_was_started(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
) -> None:
    services, others = make_services_with(), make_services_with()
    course = make_course()
    caller, order = Caller(course.user_id, Tier.FREE), Order(course.id, idempotency_key="key")
    first = services.admissions.admit(caller, order)
    end(conn, services, first.generation_id)
    controls.pause(services, controls.ADMISSIONS, WHO)
    for each in (services, others):
        with pytest.raises(AdmissionsPaused):
            admit_course(each, make_course(), Tier.PREMIUM)
        assert each.admissions.admit(caller, order).replayed
    with pytest.raises(AdmissionsPaused):  # an operator's own
        start(others, {"id": course.id, "user_id": course.user_id}, Tier.FREE, WHO)
    assert redis_client.zcard("concurrency:global") == 0
    assert len(rows(conn, "select from coursegen.generations")) == 1
    others.events.flush()
    [event, *_] = rows(conn, "select event_type::text, metadata from system_metrics")
    assert (event["event_type"], event["metadata"]["limit"]) == ("concurrency_limit_hit", "paused")
    controls.resume(others, controls.ADMISSIONS, WHO)
    admit_course(services, make_course())
    with pytest.raises(NotPaused):
        controls.resume(services, controls.ADMISSIONS, WHO)
    assert audited(conn) == [
        ("pause_admissions", "operator", "asked", {"control": "admissions"}),
        ("resume_admissions", "operator", "asked", {"controls": ["admissions"]}),
    ]


@pytest.mark.parametrize(("change", "refusal"), [("pause", AdmissionsPaused), ("lower", SystemFull)])
def test_a_change_between_the_first_look_and_the_statement_binds(
    services: Services,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    refusal: type[Exception],
) -> None:
    controls.set_limit(services, 4, WHO)
    for _ in range(3):
        admit_course(services, make_course())
    take_all = SlotKeeper.take_all

    def change_meanwhile(keeper: SlotKeeper, claims: Any) -> Any:
        if change == "pause":
            controls.pause(services, controls.ADMISSIONS, WHO)
        else:
            controls.set_limit(services, 3, WHO)
        return take_all(keeper, claims)

    monkeypatch.setattr(SlotKeeper, "take_all", change_meanwhile)
    with pytest.raises(refusal) as refused:
        admit_course(services, make_course())
    if isinstance(refused.value, SystemFull):
        assert (refused.value.system_limit, refused.value.system_active) == (3, 3)
    assert redis_client.zcard("concurrency:global") == len(rows(conn, "select from coursegen.generations")) == 3


@pytest.mark.parametrize("with_redis", [True, False])
def test_a_lowered_limit_interrupts_nobody_and_admits_nobody_until_fewer_run(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    with_redis: bool,
) -> None:
    services, others = make_services_with(with_redis=with_redis), make_services_with(with_redis=with_redis)
    controls.set_limit(services, 6, WHO)
    admitted = [admit_course(others, make_course()) for _ in range(6)]
    controls.set_limit(services, 3, WHO)
    for generation_id in admitted[:3]:
        with pytest.raises(SystemFull) as refused:
            admit_course(others, make_course())
        assert refused.value.system_limit == 3
        end(conn, others, generation_id)
    # Three run, above the limit. Redis has lost two of them, so that it proposes a number that is free.
    for key in ("concurrency:global", "concurrency:global:numbers"):
        redis_client.zrem(key, *map(str, admitted[4:]))
    with pytest.raises(SystemFull) as refused:
        admit_course(others, make_course())
    assert (refused.value.system_limit, refused.value.system_active) == (3, 3)
    assert len(rows(conn, "select from coursegen.generations where finished_at is null")) == 3
    end(conn, others, admitted[3])
    admit_course(others, make_course())
    numbers = rows(conn, "select system_slot from coursegen.generations where finished_at is null order by 1")
    assert [row["system_slot"] for row in numbers] == [1, 5, 6]
    controls.reset_limit(services, WHO)
    with pytest.raises(NotOverridden):
        controls.reset_limit(services, WHO)


def test_a_raised_limit_admits_at_once_within_its_bounds(
    make_services_with: MakeServices, make_course: MakeCourse, admit_course: Admit
) -> None:
    services, others = make_services_with(limit=1), make_services_with(limit=1)
    admit_course(others, make_course())
    with pytest.raises(SystemFull):
        admit_course(others, make_course())
    controls.set_limit(services, 3, WHO)
    admit_course(others, make_course())
    assert controls.find_limit(others) == 3
    for limit in (0, 11):  # the environment's 1 widens the bounds of 3 and 10
        with pytest.raises(LimitOutOfBounds):
            controls.set_limit(services, limit, WHO)
    controls.set_limit(services, 1, WHO)
    with pytest.raises(SystemFull) as refused:
        admit_course(others, make_course())
    assert (refused.value.system_limit, refused.value.system_active) == (1, 2)


@pytest.mark.usefixtures("tiers")
def test_a_changed_tier_binds_the_next_admission(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_course: Admit
) -> None:
    services, others, user = make_services_with(limit=10), make_services_with(limit=10), uuid4()
    first = admit_course(others, make_course(user_id=user))
    with pytest.raises(UserFull):
        admit_course(others, make_course(user_id=user))
    assert controls.set_tier(services, Tier.FREE, 3, 7, WHO) == {"slots": 3, "priority": 7}
    for _ in range(2):
        admit_course(others, make_course(user_id=user))
    priorities = rows(conn, "select priority from procrastinate_jobs order by id")
    assert [row["priority"] for row in priorities] == [1, 7, 7]
    controls.set_tier(services, Tier.FREE, 2, None, WHO)
    end(conn, others, first)
    with pytest.raises(UserFull) as refused:  # number 1 is free, but two of two are held
        admit_course(others, make_course(user_id=user))
    assert (refused.value.user_limit, refused.value.user_active) == (2, 2)
    for slots, priority in ((0, 1), (1, -1), (99999, None)):
        with pytest.raises(BadTier):
            controls.set_tier(services, Tier.FREE, slots, priority, WHO)
    changed = {"tier": "FREE", "slots": 3, "priority": 7}
    assert audited(conn) == [
        ("set_tier", *("operator", "asked"), details) for details in (changed, {**changed, "slots": 2})
    ]


def test_a_process_of_the_earlier_release_obeys_too(
    services: Services, conn: Connection, make_course: MakeCourse, admit_course: Admit
) -> None:
    def ask(course: Course) -> dict[str, Any]:
        asked = {
            "id": str(uuid4()), "course_id": str(course.id), "user_id": str(course.user_id), "tier": "FREE",
            "priority": 99, "user_limit": 99, "system_limit": 99, "user_slot": None, "system_slot": None,
            "source": "http", "message": "m", "status": "initializing",
        }  # fmt: skip
        query = "select outcome, user_active, system_active from coursegen.admit_generations_v1(%s, true)"
        [row] = rows(conn, query, Jsonb([asked]))
        return row

    controls.set_limit(services, 3, WHO)
    user = uuid4()
    assert ask(make_course(user_id=user))["outcome"] == "admitted"
    assert rows(conn, "select priority from coursegen.generations") == [{"priority": 1}]
    assert ask(make_course(user_id=user)) == {"outcome": "user_full", "user_active": 1, "system_active": 1}
    controls.pause(services, controls.ADMISSIONS, WHO)
    assert ask(make_course()) == {"outcome": "system_full", "user_active": 0, "system_active": 3}


def test_a_change_waits_for_no_admission_longer_than_a_moment(
    services: Services, conn: Connection, database_url: str, make_course: MakeCourse, admit_course: Admit
) -> None:
    with psycopg.connect(database_url) as admitting:
        admitting.execute("select coursegen.hold_controls()")
        with pytest.raises(ControlsBusy), deadline(1.5):
            controls.pause(services, controls.ADMISSIONS, WHO)
        admit_course(services, make_course())  # nothing is held up meanwhile
    assert controls.list_controls(services.db) == []
    assert not nothing_started(conn)
