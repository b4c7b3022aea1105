"""The slots of an admission whose process died before its commit are free again within 15 s."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.admission import admit, start
from app.generation.audit import Actor
from app.generation.errors import SlotsFull, SystemFull
from app.generation.slots.key_names import scope_keys
from app.operations.actions import rebuild_slots
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit, rows
from tests.integration.generation.slots.conftest import MARKER, NAMES, SYSTEM, MakeServices, Redis, make_older, take

#: The promise.
FREE_WITHIN_S = 15


@pytest.mark.parametrize("age_s", [0, 3, 9])
def test_a_rebuild_that_keeps_it_expires_in_time_for_the_next(
    make_services_with: MakeServices, redis_client: Redis, age_s: int
) -> None:
    keeper, dead, user = make_services_with(limit=1).slots, uuid4(), uuid4()
    take(keeper, user, dead)
    for scope in (SYSTEM, NAMES.of_user(user)):
        make_older(redis_client, scope, dead, age_s)
    keeper.rebuild_all()
    for marker in (MARKER, scope_keys(NAMES.of_user(user))[2]):
        assert age_s + redis_client.pttl(marker) / 1000 <= 10.1


@pytest.mark.xdist_group("waits")
@pytest.mark.slow
@pytest.mark.parametrize("user_is_full", [True, False])
def test_it_is_free_within_the_promised_time_without_upkeep(
    make_services_with: MakeServices, wait_until: WaitUntil, user_is_full: bool
) -> None:
    keeper, user, limit = make_services_with().slots, uuid4(), 100 if user_is_full else 1
    take(keeper, user, uuid4(), system_limit=limit)  # after a rebuild, whose markers are as young as it is
    if user_is_full:
        keeper.rebuild_all()

    def is_free() -> bool:
        try:
            take(keeper, user if user_is_full else uuid4(), uuid4(), system_limit=limit)
        except SlotsFull:
            return False
        return True

    assert not is_free()
    wait_until(is_free, FREE_WITHIN_S + 0.5)


@pytest.mark.parametrize("clock_s", [-600, 0, 600])
def test_an_operators_rebuild_frees_it_at_once_whatever_the_clock_says(
    make_services_with: MakeServices, redis_client: Redis, clock_s: int
) -> None:
    services, dead, user = make_services_with(limit=1), uuid4(), uuid4()
    take(services.slots, user, dead)
    make_older(redis_client, SYSTEM, dead, -clock_s)
    make_older(redis_client, NAMES.of_user(user), dead, -clock_s)
    rebuild_slots(services, Actor("operator"))
    assert (services.slots.counts() or {}).get(None, 0) == 0
    assert take(services.slots, user, uuid4()).system_slot == 1


def test_an_operators_rebuild_lets_no_two_have_the_slot_of_an_admission_under_way(
    make_services_with: MakeServices,
    make_course: MakeCourse,
    admit_course: Admit,
    conn: psycopg.Connection[DictRow],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, others = make_services_with(limit=1), make_services_with(limit=1)
    start_generations, meanwhile = start.start_generations, [make_course()]

    def start_after_a_rebuild(*args: Any, **kwargs: Any) -> Any:
        if meanwhile:
            other = meanwhile.pop()
            rebuild_slots(others, Actor("operator"))
            admit_course(others, other)
        return start_generations(*args, **kwargs)

    monkeypatch.setattr(admit, "start_generations", start_after_a_rebuild)
    with pytest.raises(SystemFull):
        admit_course(services, make_course())
    assert len(rows(conn, "select 1 from coursegen.generations")) == 1
    assert others.slots.counts() == {
        None: 1,
        **{row["user_id"]: 1 for row in rows(conn, "select user_id from coursegen.generations")},
    }
