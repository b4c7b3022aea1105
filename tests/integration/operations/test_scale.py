"""At 300,000 rows of each, over a year, a recent window is read through an index."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.database.migrations import migrate
from app.database.pool import Database
from app.database.queries import QUERIES
from app.operations.reports import REPORTS, run_report
from stack.postgres import create_database, drop_database

pytestmark = pytest.mark.slow

BIG = {"generations", "attempts", "system_metrics"}
ROWS = 300_000

#: A generation every 105 s for a year, with one start of a stage and one event each; foreign keys are not checked.
FILL = """
    set session_replication_role = replica;
    set max_parallel_maintenance_workers = 0;

    insert into coursegen.generations (
        id, course_id, user_id, tier, priority, stage, status, source, created_at, started_at, finished_at
    )
    select
        lpad(to_hex(n), 32, '0')::uuid,
        lpad(to_hex(n %% 50000), 32, '0')::uuid,
        lpad(to_hex(n %% 5000), 32, '0')::uuid,
        (enum_range(null::coursegen.tier))[1 + n %% 5],
        (array[1, 3, 5, 5, 10])[1 + n %% 5],
        'FINALIZATION',
        case when n %% 20 = 0 then 'failed' else 'completed' end::coursegen.generation_status,
        case when n %% 3 = 0 then 'trpc' else 'http' end,
        at, at + interval '2 s', at + interval '5 min'
    from (
        select n, now() - interval '5 min' - (%(rows)s - n) * interval '105 s' as at
        from generate_series(1, %(rows)s) n
    ) every;

    insert into coursegen.attempts (
        generation_id, stage, fence, job_id, worker, started_at, finished_at, outcome, error
    )
    select
        id, 'FINALIZATION', 1, row_number() over (), 'w1', created_at, finished_at,
        status::text::coursegen.attempt_outcome, case status when 'failed' then 'ValueError: no' end
    from coursegen.generations;

    insert into system_metrics (id, event_type, severity, user_id, job_id, metadata, "timestamp")
    select
        id, (enum_range(null::metric_event_type))[1 + row_number() over () %% 6], 'warn', user_id, id::text,
        '{"tier": "FREE", "limit": "user", "stage": "FINALIZATION"}', created_at
    from coursegen.generations;
"""


@pytest.fixture(scope="module")
def year(server_url: str) -> Iterator[str]:
    """A database with a busy year behind it, as upkeep of PostgreSQL's own leaves it."""
    name = f"course_test_{secrets.token_hex(6)}"
    create_database(server_url, name)
    with ExitStack() as cleanup:
        cleanup.callback(drop_database, server_url, name)
        url = make_conninfo(server_url, dbname=name)
        migrate(url)
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as conn:
            conn.execute(FILL, {"rows": ROWS})
            conn.execute("vacuum (analyze) coursegen.generations, coursegen.attempts, system_metrics")
        yield url


@pytest.mark.parametrize("days", [1, 7])
@pytest.mark.parametrize("name", REPORTS)
def test_a_recent_window_is_read_through_an_index(year: str, name: str, days: int) -> None:
    with psycopg.connect(year) as conn:
        for cursor in (conn.cursor(), psycopg.ClientCursor(conn)):  # bound as the command does, literal as psql does
            since = conn.execute("select now() - %s * interval '1 day'", (days,)).fetchall()[0][0]
            cursor.execute(f"explain (format json) {REPORTS[name].statement}", {"since": since, "slots": 3})
            (((plan,),),) = cursor.fetchall()
            nodes = list(walk(plan["Plan"]))
            scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
            assert not scanned & BIG, json.dumps(plan, indent=1)
            assert any("Index" in node["Node Type"] for node in nodes)


@pytest.mark.parametrize("name", REPORTS)
def test_the_answer_comes_in_time(year: str, name: str) -> None:
    db = Database(year, 1)
    try:
        assert run_report(db, REPORTS[name], "7d", {"slots": 3}).rows
    finally:
        db.close()


#: Filters of the console's list, each read through an index. `year` has no courses: those are given by their ids.
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "under way": {"status": "running", "active": True},
    "failed": {"status": "failed"},
    "user": {"user_id": UUID(int=77)},
    "course": {"courses": [UUID(int=77)]},
    "generation": {"id": UUID(int=77)},
    "no progress": {"stuck_s": 900, "active": True},
    "week": {"since": datetime.now(UTC) - timedelta(days=7)},
    "error": {"error": "no such"},
    "frequent event": {"event": "worker_timeout"},
    "rare event": {"event": "rpc_retry_exhausted", "is_rare": True},
    "next page": {"after_at": datetime.now(UTC) - timedelta(days=70), "after_id": UUID(int=77)},
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_is_read_through_an_index(year: str, name: str) -> None:
    every = dict.fromkeys(re.findall(r"%\((\w+)\)s", QUERIES["search_generations"]))
    values = every | {"active": False, "is_rare": False, "limit": 1001} | FILTERS[name]
    with psycopg.connect(year) as conn:
        (((plan,),),) = conn.execute(f"explain (format json) {QUERIES['search_generations']}", values).fetchall()
    scanned = {node["Relation Name"] for node in walk(plan["Plan"]) if node["Node Type"] == "Seq Scan"}
    assert not scanned & BIG, json.dumps(plan, indent=1)


@pytest.mark.parametrize("event_type", [None, "document_reader_failed"])
def test_events_of_all_types_and_of_a_rare_one_are_read_in_order(year: str, event_type: str | None) -> None:
    values = {"event_type": event_type, "since_s": 90 * 86400, "limit": 200}
    with psycopg.connect(year) as conn:
        (((plan,),),) = conn.execute(f"explain (format json) {QUERIES['list_events']}", values).fetchall()
    events = [node for node in walk(plan["Plan"]) if node.get("Relation Name") == "system_metrics"]
    index = "system_metrics_event_type" if event_type else "system_metrics_timestamp"
    assert [node.get("Index Name") for node in events] == [index], json.dumps(plan, indent=1)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from walk(below)
