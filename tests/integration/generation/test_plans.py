"""The statements of admissions and polls are planned once per connection, however many are in a batch."""

from collections.abc import Callable
from uuid import uuid4

import orjson
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES
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
    from pg_prepared_statements where statement like '%admit_generations_v2%' or statement like '%active_generation%'
        or statement like '%poll_course_v2%'
"""


def test_the_look_the_start_and_the_poll_are_planned_once(
    make_services_with: Callable[..., Services], database_url: str
) -> None:
    services = make_services_with(database_url=database_url)  # the service's own role may not insert courses
    with services.db.connection() as conn, conn.transaction(force_rollback=True):
        conn.execute(FILL)
        conn.execute("analyze courses")
        for number in range(ENOUGH):
            asked = [
                {"n": n, "course_id": uuid4(), "user_id": uuid4(), "tier": "FREE", "per_minute": 60}
                for n in range(1 + number % 5)
            ]
            conn.execute(QUERIES["find_courses"], {"asked": Jsonb(asked, orjson.dumps), "limit": 3})
            conn.execute(QUERIES["admit_generations"], {"requests": Jsonb([]), "wait": False})
            polls = Jsonb([{"n": n, "slug": f"filler-{n}", "id": uuid4()} for n in range(1 + number % 5)], orjson.dumps)
            conn.execute(QUERIES["poll_courses"], {"polls": polls, "state": False, "stuck_s": 900, "stalled_s": 30.0})
        plans = conn.execute(COUNT_PLANS).fetchall()
    assert plans == [{"kept": True, "settled": True}] * 3
