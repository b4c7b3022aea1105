"""Stages that kill their worker or never end, and those beside them."""

import os

import psutil
import pytest

from tests.faults.support.house import House
from tests.faults.support.measure import Measure
from tests.faults.support.waiting import wait_until

pytestmark = pytest.mark.slow

OUTCOMES = """
    select outcome::text from coursegen.attempts a join coursegen.generations g on g.id = a.generation_id
    where g.course_id = %s and a.stage = 'TEXT_GENERATION'
"""


def test_a_stage_that_kills_its_worker_each_time_has_three_starts_while_others_progress(
    house: House, measure: Measure
) -> None:
    killer, neighbour = house.course(doing="kills its worker"), house.course(doing="lasts 2")
    house.admit([neighbour, killer, *house.courses(6, doing="lasts 0.5")])
    with measure("failed"):
        wait_until(lambda: house.statuses().get("failed"))
    with measure("all others completed"):
        wait_until(lambda: house.active() == 0)
    assert house.statuses() == {"completed": 7, "failed": 1}
    [course] = house.rows("select * from courses where id = %s", killer.id)
    assert (course["status"], bool(course["error_message"])) == ("failed", True)
    assert [row["outcome"] for row in house.rows(OUTCOMES, killer.id)] == ["died"] * 3
    house.settle()


def test_a_stage_that_hangs_is_killed_at_its_timeout_and_its_worker_serves_on(house: House, measure: Measure) -> None:
    house.processes.run("worker", STAGE_TIMEOUT_S="1")
    worker = house.processes.pid("worker")
    hanging = house.course(doing="hangs")
    house.admit([hanging, *house.courses(3)])
    with measure("failed"):
        wait_until(lambda: house.active() == 0)
    assert house.statuses() == {"completed": 3, "failed": 1}
    assert [row["outcome"] for row in house.rows(OUTCOMES, hanging.id)] == ["timeout"] * 3
    events = house.rows("select event_type::text, course_id from system_metrics")
    assert events == [{"event_type": "worker_timeout", "course_id": hanging.id}] * 3
    house.settle()
    os.kill(worker, 0)
    assert house.serves()
    assert house.processes.pid("worker") == worker


def test_handlers_processes_that_die_while_they_have_nothing_to_do_are_replaced(house: House) -> None:
    worker = house.processes.pid("worker")
    for _ in range(2):
        assert house.serves()  # they have started
        for process in psutil.Process(worker).children(recursive=True):
            process.kill()
        house.admit(house.courses(3))
        house.settle()
    assert set(house.statuses()) == {"completed"}
    assert {row["outcome"] for row in house.rows("select outcome::text from coursegen.attempts")} == {"completed"}
    assert house.processes.pid("worker") == worker
