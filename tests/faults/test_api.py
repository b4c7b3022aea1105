"""The API, killed in a storm of requests."""

import threading

from tests.faults.conftest import House, kill, wait_until


def test_killed_in_a_storm_every_generation_has_its_job_and_its_course_or_neither(house: House) -> None:
    courses = [house.course() for _ in range(60)]
    answers: list[tuple[int, float]] = []
    storm = threading.Thread(target=lambda: answers.extend(house.generate_all(courses)))
    storm.start()
    wait_until(lambda: sum(house.statuses().values()) >= 3)
    kill(house.process("api"))
    storm.join()
    wait_until(house.stack.api.ready)
    assert house.consistent()
    assert sum(house.statuses().values()) >= sum(status == 200 for status, _ in answers)
    wait_until(lambda: house.active() == 0)
    assert set(house.statuses()) == {"completed"}
    assert house.generate(house.course())[0] == 200
