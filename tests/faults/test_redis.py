"""Redis that is away, slow, hangs, is emptied or restarted: the limits hold, and it is exact again when it is back."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.support.house import LIMIT, House
from tests.faults.support.measure import Measure
from tests.faults.support.processes import STANDARD, frozen
from tests.faults.support.waiting import wait_until
from tests.integration.generation.proxy import proxied

pytestmark = pytest.mark.slow

#: A second is promised, and the test's own machine takes some.
ANSWER_S = 1.5
SLOW_S = 5.0


def storm(house: House, harm: threading.Thread) -> int:
    """How many of sixty requests were admitted while the harm was done; never more active than the limit."""
    courses = house.courses(60, doing="lasts 0.2")
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


def emptied(house: House) -> None:
    with house.redis_client() as client:
        client.flushall()


def deleted(house: House) -> None:
    with house.redis_client() as client:
        client.delete("concurrency:global")


def restarted(house: House) -> None:
    house.redis.restart()


def restarted_with_old_data(house: House) -> None:
    """What it held before the storm's last moments, markers included, is back in an empty server."""
    with house.redis_client() as client:
        old = {key: (client.dump(key), max(0, client.pttl(key))) for key in client.scan_iter()}
    time.sleep(0.2)
    house.redis.restart()
    with house.redis_client() as client:
        for key, (value, lives_ms) in old.items():
            if value is not None:
                client.restore(key, lives_ms, value, replace=True)


@pytest.mark.parametrize("harm", [emptied, deleted, restarted, restarted_with_old_data])
def test_the_limit_holds_while_it_is_hurt_in_a_storm(
    house: House, measure: Measure, harm: Callable[[House], None]
) -> None:
    def hurt() -> None:
        for _ in range(5):
            harm(house)

    assert storm(house, threading.Thread(target=hurt)) > 0
    wait_until(lambda: house.active() == 0)
    with measure("slots equal PostgreSQL", within=20):
        wait_until(lambda: house.proposed() == 0)


def test_while_it_is_away_admission_is_exact_and_readiness_says_degraded(house: House, measure: Measure) -> None:
    house.redis.kill()
    answers = house.generate_all(house.courses(10))
    assert {status for status, _ in answers} == {200}
    measure.record("longest answer", max(seconds for _, seconds in answers))
    status, body = house.api.call("GET", "/readyz")
    assert (status, body["status"]) == (200, "degraded")
    wait_until(lambda: house.statuses() == {"completed": 10})
    house.redis.start()
    with measure("ready again", within=10):
        wait_until(lambda: house.api.call("GET", "/readyz")[1]["status"] == "ready")
    assert house.generate(house.course())[0] == 200


def test_while_it_hangs_answers_come_within_a_second(house: House, measure: Measure) -> None:
    pid = house.redis.pid
    assert pid is not None
    courses = house.courses(6)
    with frozen(pid):
        answers = [house.generate(course) for course in courses]
    assert {status for status, _ in answers} == {200}
    measure.record("longest answer", max(seconds for _, seconds in answers), within=ANSWER_S)


def test_while_it_is_slow_admission_is_exact_answers_come_within_a_second_and_readiness_says_degraded(
    house: House, measure: Measure
) -> None:
    with proxied(house.redis_url) as proxy:
        for name in STANDARD:
            house.processes.run(name, REDIS_URL=proxy.url)
        house.wait_well()
        proxy.slow_s = SLOW_S
        courses = house.courses(LIMIT + 10, doing="hangs")
        answers = house.generate_all(courses)
        assert sorted(status for status, _ in answers) == [200] * LIMIT + [429] * 10
        assert house.active() <= LIMIT
        measure.record("longest answer", max(seconds for _, seconds in answers), within=ANSWER_S)
        status, body = house.api.call("GET", "/readyz")
        assert (status, body["status"]) == (200, "degraded")
        with ThreadPoolExecutor(8) as pool:
            cancelled = list(pool.map(house.cancel, courses))
        assert sorted(status for status, _ in cancelled) == [200] * LIMIT + [409] * 10
        measure.record("longest cancellation", max(seconds for _, seconds in cancelled), within=ANSWER_S)
        proxy.slow_s = 0
        with measure("ready again", within=10):
            wait_until(lambda: house.api.call("GET", "/readyz")[1]["status"] == "ready")
        with measure("slots equal PostgreSQL", within=20):
            wait_until(lambda: house.proposed() == 0)
        house.admit(house.courses(LIMIT))
        house.settle()
        assert house.statuses() == {"cancelled": LIMIT, "completed": LIMIT}
