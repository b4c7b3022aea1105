"""Cancelling over HTTP: one final state, for any caller at any time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stack.examples import OwnedCourse
from tests.faults.support.house import House
from tests.faults.support.measure import Measure
from tests.faults.support.waiting import wait_until

pytestmark = pytest.mark.slow

STARTS = (
    "select outcome::text from coursegen.attempts a join coursegen.generations g on g.id ="
    " a.generation_id where course_id = %s"
)
HANDLING = f"{STARTS} and a.stage = 'TEXT_GENERATION'"


def status(house: House, course: OwnedCourse) -> str:
    [row] = house.rows("select status::text from coursegen.generations where course_id = %s", course.id)
    return str(row["status"])


def test_queued_it_never_starts_and_running_it_stops_within_five_seconds(house: House, measure: Measure) -> None:
    running = house.courses(2, doing="hangs")  # both of the worker's places
    house.admit(running)
    wait_until(lambda: all(house.rows(HANDLING, course.id) for course in running))
    queued = house.course()
    house.admit([queued])
    assert house.proposed() == 3
    for course in (queued, *running):
        assert house.cancel(course)[0] == 200
    assert house.proposed() == 0
    with measure("handlers stopped", within=5):
        wait_until(lambda: not house.rows("select 1 from coursegen.attempts where outcome is null"))
    assert house.rows(STARTS, queued.id) == []
    assert house.rows("select 1 from coursegen.stage_results where stage = 'TEXT_GENERATION'") == []
    assert {status(house, course) for course in (queued, *running)} == {"cancelled"}
    house.settle()
    assert house.serves()


def test_of_many_at_once_one_cancels_and_just_before_the_end_there_is_one_final_state(house: House) -> None:
    courses = house.courses(6)
    house.admit(courses)

    def cancel_as_it_ends(course: OwnedCourse) -> bool:
        wait_until(
            lambda: house.rows(
                "select 1 from coursegen.generations where course_id = %s and stage = 'FINALIZATION'", course.id
            )
        )
        with ThreadPoolExecutor(3) as pool:
            answers = [code for code, _ in pool.map(house.cancel, [course] * 3)]
        assert sorted(answers) in ([200, 409, 409], [409, 409, 409])
        return 200 in answers

    with ThreadPoolExecutor(6) as pool:
        cancelled = list(pool.map(cancel_as_it_ends, courses))
    house.settle()
    expected = ["cancelled" if was else "completed" for was in cancelled]
    assert [status(house, course) for course in courses] == expected
