"""A host whose clock is ten minutes off the database's and everybody else's."""

from typing import Any

import pytest

from tests.faults.support.clocks import shifted
from tests.faults.support.house import House
from tests.faults.support.measure import Measure
from tests.faults.support.processes import kill
from tests.faults.support.waiting import wait_until

pytestmark = pytest.mark.slow

OFF_S = 600

#: Every time that a generation leaves behind, from whichever process.
TIMES = """
    select unnest(array[created_at, started_at, finished_at]) as at from coursegen.generations
    union all select unnest(array[started_at, finished_at]) from coursegen.attempts
    union all select finished_at from coursegen.stage_results
    union all select unnest(array[generation_started_at, generation_completed_at, last_progress_update]) from courses
    union all select (unnest(array[step -> 'started_at', step -> 'completed_at']) #>> '{}')::timestamptz
        from courses, jsonb_array_elements(generation_progress -> 'steps') step
    union all select "timestamp" from system_metrics
"""
ATTEMPTS = """
    select outcome::text from coursegen.attempts a
    join coursegen.generations g on g.id = a.generation_id where g.course_id = %s order by a.id
"""


def now(house: House) -> Any:
    return house.rows("select clock_timestamp() as now")[0]["now"]


@pytest.mark.parametrize("off_s", [OFF_S, -OFF_S], ids=["ahead", "behind"])
@pytest.mark.parametrize("name", ["api", "worker"])
def test_nothing_depends_on_the_clock_of_a_host(house: House, measure: Measure, name: str, off_s: int) -> None:
    house.processes.run(name, **shifted(off_s))
    house.wait_well()
    began = now(house)
    failing, *courses = [house.course(doing="fails"), *house.courses(3, doing="lasts 0.2")]
    house.admit([failing, *courses])
    assert house.generate(failing)[0] == 409  # which is an event
    with measure("slots equal PostgreSQL", within=20):
        wait_until(lambda: house.proposed() == house.active())
    wait_until(lambda: house.rows("select 1 from system_metrics"))
    house.settle()
    assert house.statuses() == {"completed": 3, "failed": 1}
    for course in courses:  # one may have given way to the retries of the failing one
        assert [row["outcome"] for row in house.rows(ATTEMPTS, course.id)] == ["completed"] * 4
    # Three starts after their backoffs, which the database's clock measured.
    assert [row["outcome"] for row in house.rows(ATTEMPTS, failing.id)][2:] == ["failed"] * 3
    ended = now(house)
    strange = [row["at"] for row in house.rows(TIMES) if row["at"] is not None and not began <= row["at"] <= ended]
    assert strange == []


@pytest.mark.parametrize("off_s", [OFF_S, -OFF_S], ids=["ahead", "behind"])
def test_an_upkeep_whose_clock_is_off_takes_over_what_is_dead_and_nothing_else(
    house: House, measure: Measure, off_s: int
) -> None:
    house.processes.run("upkeep", **shifted(off_s))
    house.wait_well()
    house.admit(house.courses(2, doing="lasts 1"))
    wait_until(lambda: len(house.rows("select 1 from coursegen.attempts where stage = 'TEXT_GENERATION'")) == 2)
    kill(house.processes.pid("worker"))
    with measure("taken over", within=60):
        wait_until(lambda: len(house.rows("select 1 from coursegen.generations where fence = 2")) == 2)
    house.settle()
    assert house.statuses() == {"completed": 2}
    assert len(house.rows("select 1 from coursegen.attempts where outcome = 'died'")) == 2
