"""Slots that Redis proposed to a request that starts nothing are free at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from app.generation.admission.requests import Admission, Order
from app.generation.callers import Caller
from app.generation.errors import GenerationActive, SlotsFull
from app.generation.slots.holders import SlotRequest, Slots
from app.generation.slots.keeper import SlotKeeper
from app.generation.tiers import Tier
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse
from tests.integration.generation.admission.conftest import Connection, MakeServices, Redis
from tests.integration.generation.conftest import Admit, rows


def test_a_request_that_finds_the_course_active_after_its_lock_was_released(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
    wait_until: WaitUntil,
) -> None:
    services, course = make_services_with(limit=5), make_course()

    def waits() -> bool:
        return rows(conn, "select 1 from pg_stat_activity where wait_event_type = 'Lock'") != []

    with ThreadPoolExecutor(1) as threads, psycopg.connect(database_url) as other:
        # Another process admits the course: its transaction holds the lock for longer than one waits for locks.
        other.execute("select from courses where id = %s for no key update", [course.id])
        late = threads.submit(admit_course, services, course, Tier.PREMIUM)
        wait_until(waits)
        wait_until(lambda: not waits())  # the lock timed out: the next attempt reads first
        other.execute(
            "insert into coursegen.generations"
            " (id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source)"
            " values (%s, %s, %s, 'PREMIUM', 10, 5, 5, 'STRUCTURE_ANALYSIS', 'test')",
            [uuid4(), course.id, course.user_id],
        )
        other.commit()
        with pytest.raises(GenerationActive):
            late.result(10)
    assert redis_client.zcard("concurrency:global") == 0
    assert redis_client.zcard(f"concurrency:user:{course.user_id}") == 0


def test_a_request_that_repeats_what_its_key_started_a_moment_ago(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, course = make_services_with(limit=5), make_services_with(limit=5), make_course()
    order, caller = Order(course.id, idempotency_key="key"), Caller(course.user_id, Tier.PREMIUM)
    started: list[Admission] = []
    take_all = SlotKeeper.take_all

    def start_meanwhile(keeper: SlotKeeper, claims: Sequence[SlotRequest]) -> list[Slots | SlotsFull | None]:
        if keeper is second.slots and not started:
            started.append(first.admissions.admit(caller, order))
        return take_all(keeper, claims)

    monkeypatch.setattr(SlotKeeper, "take_all", start_meanwhile)
    repeated = second.admissions.admit(caller, order)
    assert repeated == Admission(started[0].generation_id, replayed=True)
    assert redis_client.zrange("concurrency:global", 0, -1) == [str(started[0].generation_id)]
