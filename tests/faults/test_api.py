"""The API, killed in a storm of requests."""

import threading

from tests.faults.support.house import House
from tests.faults.support.measure import Measure
from tests.faults.support.processes import kill
from tests.faults.support.waiting import wait_until


def test_killed_in_a_storm_every_generation_has_its_job_and_its_course_or_neither(
    house: House, measure: Measure
) -> None:
    courses = house.courses(24)
    answers: list[tuple[int, float]] = []
    storm = threading.Thread(target=lambda: answers.extend(house.generate_all(courses)))
    storm.start()
    wait_until(lambda: sum(house.statuses().values()) >= 3)
    kill(house.processes.pid("api"))
    with measure("ready again", within=60):
        storm.join()
        wait_until(house.healthy)
    assert house.half_done() == []
    assert sum(house.statuses().values()) >= sum(status == 200 for status, _ in answers)
    with measure("slots equal PostgreSQL", within=30):
        wait_until(lambda: house.proposed() == house.active())
    house.settle()
    assert set(house.statuses()) == {"completed"}
    assert house.serves()
