"""`pickups`: from an admission's commit to the start of its first stage, on an idle worker."""

import time
from collections.abc import Callable
from typing import Any

import psycopg

from app.generation.stages import Stage
from bench.environment.conditions import nothing_is_active, wait_until
from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.python_generator import send_all
from bench.load.ready_courses import create_courses
from bench.reporting.figures import BenchError, Figure, Section, Size, below, percentile

WARM_UP = 5
#: Between generations, so that the worker waits again.
IDLE_S = 0.1
PATIENCE_S = 20.0

HOW = (
    "Generations are requested one after another, each once the worker is idle. The start is"
    " `stage_attempts.started_at`: the worker's transaction begins. The commit is PostgreSQL's own commit time"
    " (`track_commit_timestamp`) of a row that a trigger adds to the admission; `created_at` is the beginning of that"
    " transaction. All times are of the server's clock. The handler gives up at once."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Latency from the commit, and from the transaction's start."""
    with Stand({"track_commit_timestamp": "on"}) as stand:
        handler = {f"HANDLER_{stage.value}": "bench.environment.stage_handlers.give_up" for stage in Stage}
        port = stand.start_api()
        stand.start_workers(**handler)
        courses = create_courses(stand.database_url, stand.secret, size.pickups + WARM_UP)
        log(f"commit to first stage, {size.pickups} generations one after another")
        with psycopg.connect(stand.database_url, autocommit=True) as conn:
            conn.execute(SQL["note_commits"])
            for course in courses:
                send_all(port, [course.generate], connections=1)
                _wait_until_idle(conn)
            measured = [_read(conn, course.course_id) for course in courses[WARM_UP:]]
    from_commit, from_creation = zip(*measured, strict=True)
    return [
        Section(
            "From the commit to the start of the first stage",
            HOW,
            [
                Figure("commit to stage start, p50", percentile(from_commit, 0.50), "ms"),
                Figure("commit to stage start, p95", percentile(from_commit, 0.95), "ms", below(100, 30)),
                Figure("commit to stage start, longest", max(from_commit), "ms"),
                Figure("`created_at` to stage start, p50", percentile(from_creation, 0.50), "ms"),
                Figure("`created_at` to stage start, p95", percentile(from_creation, 0.95), "ms"),
            ],
        )
    ]


def _wait_until_idle(conn: psycopg.Connection[Any]) -> None:
    wait_until(lambda: nothing_is_active(conn), PATIENCE_S, "a generation was not over", 0.01)
    time.sleep(IDLE_S)  # nothing shows when a worker waits for its queue again


def _read(conn: psycopg.Connection[Any], course_id: object) -> tuple[float, float]:
    row = conn.execute(SQL["read_pickup"], [course_id]).fetchone()
    if row is None:
        raise BenchError("a generation was never started")
    return row[0], row[1]
