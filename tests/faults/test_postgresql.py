"""PostgreSQL that restarts, is away, or hangs."""

import threading
import time

from tests.faults.conftest import AWAY_S, FROZEN_S, House, Measure, wait_until

#: The whole answer takes at most 5 s, and the test's own machine some.
ANSWER_S = 5.5
READY_S = 10
WORKERS_S = 60


def serves(house: House) -> bool:
    """A new generation is admitted and completed."""
    course = house.course()
    if house.generate(course)[0] != 200:
        return False
    wait_until(lambda: house.rows(f"select 1 from courses where id = '{course.id}' and status = 'completed'"))
    return True


def test_after_a_fast_restart_api_and_workers_serve_within_a_minute(house: House, measure: Measure) -> None:
    course = house.course()
    house.postgres.restart()
    with measure("workers serve", within=WORKERS_S):
        with measure("API healthy again", within=READY_S):
            wait_until(lambda: house.generate(course)[0] in (200, 409))
        wait_until(lambda: house.statuses() == {"completed": 1})
    assert serves(house)


def test_while_it_is_away_every_answer_is_a_clean_refusal_and_admitted_equals_started(
    house: House, measure: Measure
) -> None:
    courses = [house.course() for _ in range(40)]
    answers: list[tuple[int, float]] = []
    storm = threading.Thread(target=lambda: answers.extend(house.generate_all(courses)))
    storm.start()
    wait_until(lambda: house.active() >= 2)
    house.postgres.kill()
    back = time.monotonic() + AWAY_S
    storm.join()
    measure.record("longest answer", max(seconds for _, seconds in answers))
    assert all(status in (200, 429, 500, 503) and seconds < ANSWER_S for status, seconds in answers), answers
    time.sleep(max(0.0, back - time.monotonic()))
    house.postgres.start()
    with measure("workers serve", within=WORKERS_S):
        with measure("API healthy again", within=READY_S):
            wait_until(house.stack.api.ready)
        wait_until(lambda: house.active() == 0)
    assert house.consistent()
    admitted = sum(status == 200 for status, _ in answers)
    unknown = sum(status == 503 for status, _ in answers)
    assert admitted <= sum(house.statuses().values()) <= admitted + unknown
    assert set(house.statuses()) == {"completed"}
    assert serves(house)


def test_while_it_hangs_answers_come_in_time_and_it_serves_when_it_wakes(house: House, measure: Measure) -> None:
    pid = house.postgres.pid
    assert pid is not None
    courses = [house.course() for _ in range(6)]
    with house.frozen(pid):
        back = time.monotonic() + FROZEN_S
        answers = house.generate_all(courses, threads=6)
        measure.record("longest answer", max(seconds for _, seconds in answers))
        assert all(status in (500, 503) and seconds < ANSWER_S for status, seconds in answers), answers
        time.sleep(max(0.0, back - time.monotonic()))
    with measure("workers serve", within=WORKERS_S):
        with measure("API healthy again", within=READY_S):
            wait_until(house.stack.api.ready)
        assert serves(house)
    assert house.consistent()
