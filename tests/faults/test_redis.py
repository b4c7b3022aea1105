"""Redis that is away, hangs, is emptied or restarted: the limits hold, and it is exact again when it is back."""

import threading

import pytest
import redis

from tests.faults.conftest import House, Measure, wait_until

LIMIT = 20


def proposed(house: House) -> int:
    with redis.Redis.from_url(house.stack.redis_url, socket_timeout=2) as client:
        return int(client.zcard("concurrency:global"))


def storm(house: House, harm: threading.Thread) -> int:
    """How many of sixty requests were admitted while the harm was done; never more active than the limit."""
    courses = [house.course() for _ in range(60)]
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, house.active())

    watcher = threading.Thread(target=watch)
    watcher.start()
    harm.start()
    answers = house.generate_all(courses)
    harm.join()
    done.set()
    watcher.join()
    assert {status for status, _ in answers} <= {200, 429, 503}
    assert most <= LIMIT
    return sum(status == 200 for status, _ in answers)


@pytest.mark.parametrize("harm", ["emptied", "restarted", "deleted"])
def test_the_limit_holds_while_it_is_hurt_in_a_storm(house: House, measure: Measure, harm: str) -> None:
    def hurt() -> None:
        for _ in range(5):
            if harm == "restarted":
                house.redis.restart()
                continue
            with redis.Redis.from_url(house.stack.redis_url, socket_timeout=2) as client:
                client.flushall() if harm == "emptied" else client.delete("concurrency:global")

    assert storm(house, threading.Thread(target=hurt)) > 0
    wait_until(lambda: house.active() == 0)
    with measure("slots equal PostgreSQL", within=20):
        wait_until(lambda: proposed(house) == 0)


def test_while_it_is_away_admission_is_exact_and_readiness_says_degraded(house: House, measure: Measure) -> None:
    house.redis.kill()
    answers = house.generate_all([house.course() for _ in range(10)])
    assert {status for status, _ in answers} == {200}
    measure.record("longest answer", max(seconds for _, seconds in answers))
    status, body = house.stack.api.call("GET", "/readyz")
    assert (status, body["status"]) == (200, "degraded")
    wait_until(lambda: house.statuses() == {"completed": 10})
    house.redis.start()
    with measure("ready again", within=10):
        wait_until(lambda: house.stack.api.call("GET", "/readyz")[1]["status"] == "ready")
    assert house.generate(house.course())[0] == 200


def test_while_it_hangs_answers_come_within_a_second(house: House, measure: Measure) -> None:
    pid = house.redis.pid
    assert pid is not None
    courses = [house.course() for _ in range(6)]
    with house.frozen(pid):
        answers = [house.generate(course) for course in courses]
    assert {status for status, _ in answers} == {200}
    measure.record("longest answer", max(seconds for _, seconds in answers), within=1.5)
