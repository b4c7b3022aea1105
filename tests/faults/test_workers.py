"""Workers that die: another goes on, results once, slots back."""

import os
import signal
import time

import psutil
import pytest

from tests.faults.support.house import GRACE_S, House
from tests.faults.support.measure import Measure
from tests.faults.support.processes import frozen, kill
from tests.faults.support.waiting import SHIPPED, wait_until

pytestmark = pytest.mark.slow

FROZEN_S = 60.0 if SHIPPED else 5.0


def stages_of(house: House, *workers: int) -> set[str]:
    """The stages that count as running with one of these workers, dead or alive."""
    found = house.rows("select stage::text, worker from coursegen.attempts where outcome is null")
    return {row["stage"] for row in found if int(row["worker"].rpartition(":")[2]) in workers}


def test_workers_killed_again_and_again_lose_and_double_nothing(house: House, measure: Measure) -> None:
    house.admit(house.courses(12, doing="lasts 0.5"))
    dead: list[int] = []
    for completed in (2, 5, 8):
        wait_until(lambda n=completed: house.statuses().get("completed", 0) >= n)  # type: ignore[misc]
        dead.append(house.processes.pid("worker"))
        kill(dead[-1])
    with measure("taken over", within=60):
        wait_until(lambda: not stages_of(house, *dead))
    house.settle()
    assert house.statuses() == {"completed": 12}


def test_a_rolling_restart_of_three_workers_under_twenty_generations_fails_and_doubles_nothing(
    house: House, measure: Measure
) -> None:
    workers = ["worker", "worker-2", "worker-3"]
    for name in workers[1:]:
        house.processes.run(name)
    house.wait_well()
    house.admit(house.courses(20, doing="lasts 2"))
    for name in workers:
        pid = house.processes.pid(name)
        wait_until(lambda p=pid: stages_of(house, p))  # type: ignore[misc]
        os.kill(pid, signal.SIGTERM)
        with measure("process gone", within=GRACE_S + 1):
            wait_until(lambda p=pid: not psutil.pid_exists(p))  # type: ignore[misc]
        house.processes.pid(name)
    house.settle()
    assert house.statuses() == {"completed": 20}
    outcomes = {row["outcome"] for row in house.rows("select distinct outcome::text from coursegen.attempts")}
    assert outcomes <= {"completed", "shutdown"}


def test_a_frozen_workers_stages_go_on_and_what_it_writes_when_it_wakes_is_refused(
    house: House, measure: Measure
) -> None:
    house.processes.run("worker-2")
    house.wait_well()
    sleeper = house.processes.pid("worker")
    house.admit(house.courses(4, doing="lasts 2"))
    wait_until(lambda: "TEXT_GENERATION" in stages_of(house, sleeper))
    with frozen(sleeper):
        wakes = time.monotonic() + FROZEN_S
        with measure("taken over", within=60):
            wait_until(lambda: not stages_of(house, sleeper))
        wait_until(lambda: house.statuses() == {"completed": 4})
        time.sleep(max(0.0, wakes - time.monotonic()))
    wait_until(lambda: "run_superseded" in house.processes.log("worker"))
    house.settle()
    assert house.statuses() == {"completed": 4}
    assert house.serves()
