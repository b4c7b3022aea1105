"""`polls`: unchanged polls, in turn with the same route without a token."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg

from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.generators import best_generator
from bench.load.python_generator import CONNECTIONS, request_bytes, send_all
from bench.load.ready_courses import Ready, create_courses, read_tag
from bench.load.rounds import Lane, take_turns
from bench.reporting.figures import BenchError, Figure, Section, Size, at_least, below, ratio

COURSES = 200
#: Polls for each admission of a round elsewhere: these take longer.
REPEATS = 3
#: Polls while PostgreSQL's statistics count.
ONE_BY_ONE = 1000
LEAST_A_SECOND = 1000
POSTGRES_MS = 0.15

#: Loads the statistics of statements.
STATISTICS = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "on"}

HOW = (
    f"The owners of {COURSES} courses under way poll `check-status` with the tag of the present state, over"
    f" {CONNECTIONS} connections. Nothing has changed, so every answer is 304. In turn, the same route is called"
    " without a token: its 401 costs HTTP server, Flask and middleware, but no database. PostgreSQL's CPU is that of"
    " its processes. Its time in statements is planning and execution by `pg_stat_statements`, while polls follow"
    " each other on one connection."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Polls a second, beside refusals of the same route, and PostgreSQL's time for a poll."""
    with Stand(STATISTICS) as stand, psycopg.connect(stand.database_url, autocommit=True) as conn:
        for name in ("install_statistics", "ignore_statements", "reload_settings"):
            conn.execute(SQL[name])
        port = stand.start_api()
        courses = create_courses(stand.database_url, stand.secret, COURSES)
        count = size.requests * REPEATS

        def polled() -> list[bytes]:
            stand.clear()
            send_all(port, [course.generate for course in courses])
            return [course.poll(read_tag(port, course)) for course in courses] * (count // COURSES)

        def unauthorized() -> list[bytes]:
            return [_without_token(course) for course in courses] * (count // COURSES)

        log(f"polls, {size.rounds} rounds of {count} after a warm-up round")
        trees = stand.trees("api")
        lanes = [
            Lane("unchanged polls (304)", port, 304, polled, trees),
            Lane("polls without a token (401)", port, 401, unauthorized, trees),
        ]
        polls, refused = take_turns(lanes, size, log)
        spent_ms = _statements_ms(conn, port, polled()[:ONE_BY_ONE])
    to_refused = ratio("unchanged polls a second, to a 401 of the route", polls.rate(), refused.rate(), at_least(0.5))
    in_statements = Figure("unchanged polls (304), PostgreSQL's time in statements", spent_ms, "ms", below(POSTGRES_MS))
    figures = [
        replace(figure, target=below(POSTGRES_MS)) if figure.name.endswith("CPU of PostgreSQL") else figure
        for figure in polls.figures(at_least(LEAST_A_SECOND))
    ]
    how = f"{HOW} Loaded by {best_generator().name}."
    return [Section("Polls: 304, nothing new", how, [to_refused, in_statements, *figures, *refused.figures()])]


def _without_token(course: Ready) -> bytes:
    return request_bytes("GET", f"/api/courses/{course.slug}/check-status", {})


def _statements_ms(conn: psycopg.Connection[Any], port: int, requests: list[bytes]) -> float:
    """Milliseconds that PostgreSQL spends in the statements of one poll. Raises `BenchError`."""
    for name in ("forget_statements", "track_statements", "reload_settings"):
        conn.execute(SQL[name])
    statuses = send_all(port, requests, connections=1).statuses
    row = conn.execute(SQL["read_statistics"]).fetchone()
    if set(statuses) != {304} or row is None or row[0] is None or row[0] < len(requests):
        raise BenchError(f"of {len(requests)} polls, answered as {dict(statuses)}, PostgreSQL counted {row}")
    spent: float = row[1]
    return spent / len(requests)
