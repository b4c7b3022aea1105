"""What every admission asks of PostgreSQL is planned once a connection, however many orders there are each time."""

from uuid import uuid4

from app.generation.admission.starting import find_courses, start_plain
from app.services import Services

#: Enough for an index to be worth it.
FILL = """
    insert into courses (id, user_id, title, slug)
    select gen_random_uuid(), gen_random_uuid(), repeat('Курс ', 40), 'filler-' || n from generate_series(1, 5000) n
"""
#: The driver prepares a statement after five executions, and the server makes a plan for each of the next five.
ENOUGH = 15
COUNT_PLANS = """
    select generic_plans > 0 as kept, custom_plans <= 5 as settled
    from pg_prepared_statements where statement like '%start_course_progress%' or statement like '%active_generation%'
"""


def test_the_look_and_the_start_are_planned_once(clean: None, services: Services) -> None:
    with services.db.connection() as conn, conn.transaction(force_rollback=True):
        conn.execute(FILL)
        conn.execute("analyze courses")
        for number in range(ENOUGH):
            find_courses(conn, [uuid4() for _ in range(1 + number % 5)])
            start_plain(conn, {})
        plans = conn.execute(COUNT_PLANS).fetchall()
    assert plans == [{"kept": True, "settled": True}] * 2
