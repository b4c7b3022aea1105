"""Courses that are deleted or given away while their generation runs."""

import threading

import psycopg

from tests.faults.conftest import House, wait_until
from tests.faults.test_redis import proposed


def test_courses_deleted_while_they_are_generated_stop_quietly_and_deadlock_nobody(house: House) -> None:
    courses = [house.course() for _ in range(12)]
    assert {status for status, _ in house.generate_all(courses)} == {200}
    errors: list[Exception] = []

    def delete(position: int) -> None:
        # The platform's own transaction: it touches the course, thinks, and deletes it.
        try:
            with psycopg.connect(house.stack.database_url) as conn:
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
    assert house.rows("select 1 from generations") == []
    wait_until(lambda: house.rows("select 1 from procrastinate_jobs where queue_name = 'stages'") == [])
    wait_until(lambda: proposed(house) == 0, seconds=20)
    log = house.stack.log("worker").read_text(encoding="utf-8")
    assert "DeadlockDetected" not in log
    assert '"level": "error"' not in log
    assert house.generate(house.course())[0] == 200


def test_a_course_given_away_while_it_is_generated_is_cancelled_and_its_slot_free(house: House) -> None:
    courses = [house.course() for _ in range(8)]
    assert {status for status, _ in house.generate_all(courses)} == {200}
    with psycopg.connect(house.stack.database_url) as conn:
        conn.execute("update courses set user_id = gen_random_uuid()")
    wait_until(lambda: house.active() == 0)
    assert set(house.statuses()) <= {"cancelled", "completed"}
    assert house.statuses()["cancelled"] >= 1
    stopped = house.rows(
        "select distinct courses.status from courses join generations on course_id = courses.id"
        " where generations.status = 'cancelled'"
    )
    assert stopped == [{"status": "cancelled"}]
    wait_until(lambda: proposed(house) == 0, seconds=20)
    assert '"level": "error"' not in house.stack.log("worker").read_text(encoding="utf-8")
