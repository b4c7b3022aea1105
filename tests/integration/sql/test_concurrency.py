"""What callers who come at once find afterwards; every one has a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg

from tests.integration.sql.courses import Connection, advance, new_course, progress_with

CALLERS = 32


def at_once(url: str, act: Callable[[Connection, int], Any]) -> list[Any]:
    """What each of the callers got; all begin when all are connected."""
    barrier = Barrier(CALLERS)

    def call(number: int) -> Any:
        with psycopg.connect(url, autocommit=True) as conn:
            barrier.wait(30)
            return act(conn, number)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(call, range(CALLERS)))


def course_in(url: str, progress: object = None) -> UUID:
    with psycopg.connect(url, autocommit=True) as conn:
        return new_course(conn, progress)


def test_callers_at_once_on_one_course_lose_nothing(each_database_url: str) -> None:
    course = course_in(each_database_url)

    def move_until_it_counts(conn: Connection, caller: int) -> int:
        """Moves a step that others move too, until this caller's own move was the one; how many moves that took."""
        for attempt in range(1, 10_000):
            status = "in_progress" if attempt % 2 else "pending"
            after = advance(conn, course, caller % 5 + 1, status, f"{caller}", metadata={f"caller {caller}": attempt})
            if f"caller {caller}" in after["metadata"]:
                return attempt
        raise AssertionError(f"caller {caller} never moved its step")

    attempts = at_once(each_database_url, move_until_it_counts)

    with psycopg.connect(each_database_url) as conn:
        row = conn.execute("select generation_progress from courses where id = %s", (course,)).fetchone()
    assert row is not None
    assert row[0]["metadata"] == {f"caller {caller}": attempt for caller, attempt in enumerate(attempts)}
    furthest = max((step["id"] for step in row[0]["steps"] if step["status"] != "pending"), default=1)
    assert row[0]["current_step"] == furthest


def test_of_equal_calls_at_once_one_counts(each_database_url: str) -> None:
    course = course_in(each_database_url, progress_with("completed", "in_progress"))

    def complete(conn: Connection, caller: int) -> Any:
        return advance(conn, course, 2, "completed", f"{caller}", metadata={"by": caller})

    answers = at_once(each_database_url, complete)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["message"] == str(answers[0]["metadata"]["by"])


def test_steps_moved_at_once_from_nothing_are_all_there(each_database_url: str) -> None:
    course = course_in(each_database_url)

    def complete(conn: Connection, caller: int) -> Any:
        return advance(conn, course, caller % 5 + 1, "completed", "Готово", metadata={f"step {caller % 5 + 1}": True})

    at_once(each_database_url, complete)
    with psycopg.connect(each_database_url) as conn:
        after = advance(conn, course, 1, "completed")
    assert [step["status"] for step in after["steps"]] == ["completed"] * 5
    assert after["percentage"] == 100
    assert after["metadata"] == {f"step {step}": True for step in range(1, 6)}


def test_a_call_that_waited_moves_the_step_from_where_the_other_left_it(each_database_url: str) -> None:
    course = course_in(each_database_url, progress_with("in_progress"))
    with psycopg.connect(each_database_url) as first, psycopg.connect(each_database_url, autocommit=True) as second:
        advance(first, course, 1, "completed", "Первый", metadata={"first": True})
        with ThreadPoolExecutor(1) as pool:
            # Allowed from what it sees; refused once the other has committed.
            late = pool.submit(advance, second, course, 1, "failed", "Второй", error_message="Беда")
            wait_until_blocked(each_database_url, second.info.backend_pid)
            first.commit()
            after = late.result(30)
    assert (after["steps"][0]["status"], after["message"], after["metadata"]) == (
        "completed",
        "Первый",
        {"first": True},
    )


def wait_until_blocked(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        while conn.execute("select cardinality(pg_blocking_pids(%s))", (pid,)).fetchone() == (0,):
            pass
