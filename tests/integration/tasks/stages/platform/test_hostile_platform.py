"""A platform whose triggers and locks are in the way for ever: each generation ends, and its slot is free."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from tenacity import stop_after_delay

from app.database import pool
from app.generation.callers import Caller
from app.generation.runs.cancel import cancel_course
from app.generation.runs.take_over import take_over
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from tasks.stages import runner
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work_until_final
from tests.integration.tasks.running import Connection, Redis, claim, run, slots_held

pytestmark = pytest.mark.slow

Hinder = Callable[..., None]

#: What a trigger of the platform may do for ever, by a name for it.
RAISES = "raise exception 'no';"
HANGS = "perform pg_sleep(60);"
MISSES = "perform audit_course(new.id);"
LIES = "raise exception 'read-only, it says' using errcode = '25006';"
WAITS = "update platform_audit set n = n + 1;"
NEVER_SERIALIZES = "raise exception 'again' using errcode = '40001';"
#: The statement, and whether it runs in a deferred trigger.
HINDRANCES = {
    "raises": (RAISES, False),
    "raises at the commit": (RAISES, True),
    "hangs": (HANGS, False),
    "hangs at the commit": (HANGS, True),
    "waits for a lock": (WAITS, False),
    "calls a missing function": (MISSES, False),
    "says it is read-only": (LIES, False),
    "never serializes": (NEVER_SERIALIZES, False),
}
ANY = pytest.mark.parametrize(("statement", "deferred"), HINDRANCES.values(), ids=HINDRANCES.keys())
SOME_NAMES = ["raises", "hangs at the commit", "waits for a lock"]
SOME = pytest.mark.parametrize(("statement", "deferred"), [HINDRANCES[n] for n in SOME_NAMES], ids=SOME_NAMES)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds in place of minutes."""
    monkeypatch.setattr(runner, "_stop_after_patience", stop_after_delay(0.3))
    monkeypatch.setitem(pool.LIMITS, "statement_timeout", "1s")
    monkeypatch.setitem(pool.LIMITS, "lock_timeout", "200ms")


@pytest.fixture
def hinder(conn: Connection, database_url: str) -> Iterator[Hinder]:
    """Has a trigger run the statement when the condition is true; the table that it may wait for is locked for ever."""
    conn.execute("create table platform_audit (n int); insert into platform_audit values (1)")

    def make(condition: str, statement: str, *, table: str = "courses", deferred: bool = False) -> None:
        kind = "constraint trigger hinder after" if deferred else "trigger hinder before"
        when = "deferrable initially deferred" if deferred else ""
        conn.execute(
            f"create function hinder() returns trigger language plpgsql security definer as $$ begin"
            f" if {condition} then {statement} end if; return new; end $$;"
            f" create {kind} {'update' if table == 'courses' else 'insert'} on {table} {when}"
            f" for each row execute function hinder()".encode()
        )

    with psycopg.connect(database_url) as holder:
        holder.execute("lock table platform_audit")
        yield make
    for table in ("courses", "system_metrics", "coursegen.briefs"):
        conn.execute(f"drop trigger if exists hinder on {table}".encode())
    conn.execute("drop function if exists hinder; drop table platform_audit")


def assert_failed_after_three_starts(conn: Connection, redis_client: Redis, stage: str) -> None:
    assert rows(conn, "select status::text from coursegen.generations") == [{"status": "failed"}]
    query = "select outcome::text, error from coursegen.attempts where stage::text = %s"
    attempts = rows(conn, query, stage)
    assert [row["outcome"] for row in attempts] == ["failed"] * 3
    assert all(row["error"] for row in attempts)
    assert slots_held(redis_client) == 0


@ANY
def test_a_stage_that_can_never_begin_has_three_starts(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
    statement: str,
    deferred: bool,
) -> None:
    generation_id = start_generation(make_course())
    hinder("new.status = 'analyzing_task'", statement, deferred=deferred)
    work_until_final(make_worker(), conn, generation_id)
    assert_failed_after_three_starts(conn, redis_client, "STRUCTURE_ANALYSIS")


def test_a_result_that_can_never_be_stored_in_time_has_three_starts(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
) -> None:
    generation_id = start_generation(make_course())
    hinder("true", HANGS, table="coursegen.briefs")
    work_until_final(make_worker(), conn, generation_id)
    assert_failed_after_three_starts(conn, redis_client, "STRUCTURE_ANALYSIS")


@SOME
@pytest.mark.parametrize(
    ("status", "stage"), [("generating_structure", "STRUCTURE_GENERATION"), ("completed", "FINALIZATION")]
)
def test_a_stage_that_can_never_complete_has_three_starts(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
    statement: str,
    deferred: bool,
    status: str,
    stage: str,
) -> None:
    """The next stage is begun by the completion of the first, or else has starts of its own."""
    generation_id = start_generation(make_course())
    hinder(f"new.status = '{status}'", statement, deferred=deferred)
    work_until_final(make_worker(), conn, generation_id)
    assert_failed_after_three_starts(conn, redis_client, stage)


@ANY
def test_a_generation_fails_though_its_course_can_not_be_written(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
    statement: str,
    deferred: bool,
) -> None:
    generation_id = start_generation(make_course())
    hinder("new.status = 'failed'", statement, deferred=deferred)
    run(make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"}), claim(conn, generation_id))
    assert status_of(conn, generation_id) == "failed"
    assert slots_held(redis_client) == 0


@ANY
def test_a_generation_is_cancelled_though_its_course_can_not_be_written(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
    statement: str,
    deferred: bool,
) -> None:
    course = make_course()
    generation_id = start_generation(course)
    hinder("new.status = 'cancelled'", statement, deferred=deferred)
    assert cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.slug) == generation_id
    assert status_of(conn, generation_id) == "cancelled"
    assert slots_held(redis_client) == 0


@SOME
def test_a_take_over_after_the_last_start_fails_the_generation(
    services: Services,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
    statement: str,
    deferred: bool,
) -> None:
    generation_id = start_generation(make_course())
    conn.execute("update coursegen.generations set status = 'running', started_at = now()")
    conn.execute("update procrastinate_jobs set status = 'doing' where queue_name = 'stages'")
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker, outcome, finished_at)"
        " select %s, 'STRUCTURE_ANALYSIS', 1, 1000 + n, 'gone', 'died', now() from generate_series(1, 3) n",
        [generation_id],
    )
    hinder("new.status = 'failed'", statement, deferred=deferred)
    take_over(services.db, services.slots, stalled_s=0, timeouts_s=dict.fromkeys(Stage, 600))
    assert status_of(conn, generation_id) == "failed"
    assert slots_held(redis_client) == 0


@SOME
def test_an_event_that_can_not_be_written_is_no_reason_to_stop(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
    statement: str,
    deferred: bool,
) -> None:
    statement = statement.replace("new.id", "new.course_id")
    generation_id = start_generation(make_course())
    conn.execute("update courses set generation_progress = null")  # the worker completes the first step, with an event
    hinder("true", statement, table="system_metrics", deferred=deferred)
    app = make_worker({Stage.STRUCTURE_GENERATION: "hangs"}, stage_timeout_s=0.3)
    work_until_final(app, conn, generation_id)
    query = "select outcome::text from coursegen.attempts order by id"
    assert [row["outcome"] for row in rows(conn, query)] == ["completed", *["timeout"] * 3]
    assert status_of(conn, generation_id) == "failed"
    assert slots_held(redis_client) == 0


@SOME
def test_a_report_that_can_not_be_written_is_lost_alone(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
    hinder: Hinder,
    statement: str,
    deferred: bool,
) -> None:
    generation_id = start_generation(make_course())
    (files_root / "go").touch()
    hinder("new.generation_progress ->> 'lessons_completed' = '1'", statement, deferred=deferred)
    app = make_worker({Stage.STRUCTURE_GENERATION: "outline", Stage.TEXT_GENERATION: "slow_drafts"})
    with ExitStack() as stack:
        stack.callback(app.children.stop)
        work_until_final(app, conn, generation_id)
    assert status_of(conn, generation_id) == "completed"


def test_a_missing_function_of_a_release_under_way_counts_no_start(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    claimed = claim(conn, generation_id)
    rename = "alter function coursegen.{} rename to {}"
    conn.execute(rename.format("read_stage_input", "away").encode())
    try:
        with pytest.raises(psycopg.errors.UndefinedFunction):
            run(make_worker(), claimed)
    finally:
        conn.execute(rename.format("away", "read_stage_input").encode())
    assert rows(conn, "select outcome from coursegen.attempts") == [{"outcome": None}]
    assert status_of(conn, generation_id) == "queued"
