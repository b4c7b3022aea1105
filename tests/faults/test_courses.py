"""Courses that are deleted or given away while their generation runs."""

import threading

import psycopg
import pytest

from tests.faults.support.house import House
from tests.faults.support.waiting import wait_until

pytestmark = pytest.mark.slow


def test_courses_deleted_while_they_are_generated_stop_quietly_and_deadlock_nobody(house: House) -> None:
    courses = house.courses(12, doing="lasts 0.2")
    house.admit(courses)
    errors: list[Exception] = []

    def delete(position: int) -> None:
        # The platform's own transaction: it touches the course, thinks, and deletes it.
        try:
            with psycopg.connect(house.database_url) as conn:
                for course in courses[position::3]:
                    conn.execute("update courses set title = title || '!' where id = %s", [course.id])
                    conn.execute("select pg_sleep(0.05)")
                    conn.execute("delete from courses where id = %s", [course.id])
                    conn.commit()
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=delete, args=(position,)) for position in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert house.rows("select 1 from coursegen.generations") == []
    wait_until(lambda: house.rows("select 1 from procrastinate_jobs where queue_name = 'stages'") == [])
    wait_until(lambda: house.proposed() == 0, seconds=20)
    log = house.processes.log("worker")
    assert "DeadlockDetected" not in log
    assert '"level": "error"' not in log
    assert house.serves()


def test_a_course_given_away_while_it_is_generated_is_cancelled_and_its_slot_free(house: House) -> None:
    house.admit(house.courses(8, doing="lasts 0.2"))
    house.rows("update courses set user_id = gen_random_uuid() returning id")
    wait_until(lambda: house.active() == 0)
    assert set(house.statuses()) <= {"cancelled", "completed"}
    assert house.statuses()["cancelled"] >= 1
    house.settle()
    assert '"level": "error"' not in house.processes.log("worker")
