"""PostgreSQL that restarts, is away, or hangs."""

import os
import signal
import threading
import time

import psutil
import pytest

from tests.faults.support.house import GRACE_S, House
from tests.faults.support.measure import ANSWER_S, READY_S, WORKERS_S, Measure
from tests.faults.support.processes import STANDARD, frozen
from tests.faults.support.waiting import SHIPPED, wait_until

pytestmark = pytest.mark.slow

#: How long it is away or frozen.
AWAY_S = 45.0 if SHIPPED else 3.0
FROZEN_S = 60.0 if SHIPPED else 5.0

#: How often a worker looks for jobs that it was not notified of.
POLLING_S = 1.0
PICK_UPS = 8


def assert_workers_beat_and_listen(house: House, measure: Measure) -> None:
    """Every worker's heartbeat moves, and a job is fetched when it is announced, not when a poll finds it."""
    with measure("heartbeats move"):
        for _ in range(2):
            house.wait_well()
    waits = sorted(pick_up(house) for _ in range(PICK_UPS))
    measure.record("pick-up of a job", waits[-2])
    assert waits[-2] < POLLING_S / 2, waits  # one of them this machine may have held up


def pick_up(house: House) -> float:
    """Seconds from an admission to the begin of its first stage, both by the database's clock."""
    course = house.course()
    assert house.generate(course)[0] == 200
    found: list[float] = []

    def begun() -> bool:
        rows = house.rows(
            "select extract(epoch from min(a.started_at) - g.created_at)::float as waited"
            " from coursegen.generations g join coursegen.attempts a on a.generation_id = g.id"
            " where course_id = %s group by g.id",
            course.id,
        )
        found[:] = [row["waited"] for row in rows]
        return bool(found)

    wait_until(begun)
    return found[0]


def test_after_a_fast_restart_api_and_workers_serve_within_a_minute(house: House, measure: Measure) -> None:
    course = house.course()
    house.postgres.restart()
    with measure("workers serve", within=WORKERS_S):
        with measure("API healthy again", within=READY_S):
            wait_until(house.healthy)
            wait_until(lambda: house.generate(course)[0] in (200, 409))
        wait_until(lambda: house.statuses() == {"completed": 1})
    assert_workers_beat_and_listen(house, measure)
    house.settle()


def test_while_it_is_away_every_answer_is_a_clean_refusal_and_admitted_equals_started(
    house: House, measure: Measure
) -> None:
    courses = house.courses(24, doing="lasts 0.2")
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
            wait_until(house.healthy)
        wait_until(lambda: house.active() == 0)
    assert house.half_done() == []
    admitted = sum(status == 200 for status, _ in answers)
    unknown = sum(status == 503 for status, _ in answers)
    assert admitted <= sum(house.statuses().values()) <= admitted + unknown
    assert set(house.statuses()) == {"completed"}
    assert_workers_beat_and_listen(house, measure)
    house.settle()


def test_while_it_hangs_answers_come_in_time_and_it_serves_when_it_wakes(house: House, measure: Measure) -> None:
    pid = house.postgres.pid
    assert pid is not None
    courses = house.courses(6)
    with frozen(pid):
        back = time.monotonic() + FROZEN_S
        answers = house.generate_all(courses, threads=6)
        measure.record("longest answer", max(seconds for _, seconds in answers))
        assert all(status in (500, 503) and seconds < ANSWER_S for status, seconds in answers), answers
        time.sleep(max(0.0, back - time.monotonic()))
    with measure("workers serve", within=WORKERS_S):
        with measure("API healthy again", within=READY_S):
            wait_until(house.healthy)
        assert house.serves()
    assert house.half_done() == []
    assert_workers_beat_and_listen(house, measure)
    house.settle()


def test_while_it_hangs_api_and_workers_stop_by_themselves_within_their_grace_and_lose_nothing(
    house: House, measure: Measure
) -> None:
    pid = house.postgres.pid
    assert pid is not None
    house.admit(house.courses(4, doing="lasts 1"))
    others = house.courses(4)
    wait_until(lambda: house.rows("select 1 from coursegen.attempts where stage = 'TEXT_GENERATION'"))
    asked = [house.processes.pid(name) for name in STANDARD]
    families = [child for process in asked for child in psutil.Process(process).children(recursive=True)]
    with frozen(pid):
        waiting = threading.Thread(target=house.generate_all, args=(others,))
        waiting.start()
        for process in asked:
            os.kill(process, signal.SIGTERM)
        with measure("process gone", within=GRACE_S + 1):
            wait_until(lambda: not any(psutil.pid_exists(process) for process in asked))
        wait_until(lambda: not any(child.is_running() for child in families))
        waiting.join()
    house.settle()
    assert house.statuses() == {"completed": 4}
