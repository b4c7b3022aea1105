"""Workers that die: another goes on, results once, slots back."""

import os
import signal

from stack.examples import OwnedCourse
from stack.services import GRACE_S
from tests.faults.conftest import House, Measure, kill, wait_until


def all_completed(house: House, courses: list[OwnedCourse]) -> bool:
    return house.statuses() == {"completed": len(courses)}


def left_open(house: House, dead: list[int]) -> bool:
    """Whether a stage is still counted as running with one of these workers."""
    found = house.rows("select worker from stage_attempts where outcome is null")
    return any(int(row["worker"].rpartition(":")[2]) in dead for row in found)


def test_workers_killed_again_and_again_lose_and_double_nothing(house: House, measure: Measure) -> None:
    courses = [house.course() for _ in range(12)]
    assert {status for status, _ in house.generate_all(courses)} == {200}
    dead: list[int] = []
    for completed in (2, 5, 8):
        wait_until(lambda n=completed: house.statuses().get("completed", 0) >= n)  # type: ignore[misc]
        dead.append(house.process("worker"))
        kill(dead[-1])
    with measure("taken over", within=60):
        wait_until(lambda: not left_open(house, dead))
    wait_until(lambda: all_completed(house, courses))
    assert house.consistent()
    doubled = house.rows("select 1 from stage_results group by generation_id, stage having count(*) > 1")
    assert doubled == []
    wait_until(lambda: house.rows("select 1 from procrastinate_jobs where queue_name = 'stages'") == [])


def test_a_rolling_restart_fails_nothing(house: House, measure: Measure) -> None:
    courses = [house.course() for _ in range(12)]
    assert {status for status, _ in house.generate_all(courses)} == {200}
    for completed in (2, 6):
        wait_until(lambda n=completed: house.statuses().get("completed", 0) >= n)  # type: ignore[misc]
        pid = house.process("worker")
        os.kill(pid, signal.SIGTERM)
        with measure("process gone", within=GRACE_S):
            wait_until(lambda p=pid: house.process("worker") != p)  # type: ignore[misc]
    wait_until(lambda: all_completed(house, courses))
    outcomes = {row["outcome"] for row in house.rows("select distinct outcome::text from stage_attempts")}
    assert outcomes <= {"completed", "shutdown"}
