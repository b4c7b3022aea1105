"""`coursegen generations`, `workers`, `queue` and `audit`: find generations, and act on all that match."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.operations.generations import bulk
from tests.integration.factories import MakeCourse, add_worker
from tests.integration.operations.rows import ADA, BOB, Past, minutes

Conn = psycopg.Connection[DictRow]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def past(conn: Conn) -> Past:
    return Past(conn)


def run(app: Flask, *arguments: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=arguments, input=typed)


def rows(app: Flask, *arguments: str) -> list[dict[str, Any]]:
    done = run(app, *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def statuses(conn: Conn, *ids: UUID) -> list[str]:
    found = conn.execute("select id, status::text from coursegen.generations where id = any(%s)", [list(ids)])
    by_id = {row["id"]: row["status"] for row in found}
    return [by_id[each] for each in ids]


def test_a_list_has_the_filters_of_the_console_and_says_how_many_match(app: Flask, past: Past, conn: Conn) -> None:
    stuck = past.generation(now() - minutes(30), status="running", stage="TEXT_GENERATION", user_id=BOB)
    fresh = past.generation(now(), status="running")
    failed = past.generation(
        now() - minutes(90),
        now() - minutes(80),
        "failed",
        tier="PREMIUM",
        request_id="r-1",
        error_message="provider: 503",
        stage="TEXT_GENERATION",
    )
    course = conn.execute("select c.* from coursegen.generations g join courses c on c.id = g.course_id"
                          " where g.id = %s", [failed]).fetchone()  # fmt: skip
    assert course is not None
    for options, expected in {
        "": [fresh, stuck, failed],
        "--stuck 15m": [stuck],
        "--status failed": [failed],
        "--tier premium": [failed],
        "--stage text_generation": [stuck, failed],
        f"--user {BOB}": [stuck],
        "--request r-1": [failed],
        "--error 503": [failed],
        "--since 1h": [fresh, stuck],
        "--since 1w --until 1h": [failed],
        f"--course {course['slug']}": [failed],
        f"--course {course['id']}": [failed],
        f"--after {stuck}": [failed],
    }.items():
        found = rows(app, "generations", "list", *options.split())
        assert [UUID(row["id"]) for row in found] == expected, options
    done = run(app, "generations", "list", "--limit", "2")
    assert (len(done.stdout.splitlines()), done.stderr) == (3, f"2 of 3; older ones: --after {stuck}\n")
    assert "30 min" in run(app, "generations", "list", "--status", "running").stdout


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--stuck 15x", "“15x” is no span of time"),
        ("--user ada", "“ada” is no id"),
        ("--since soon", "“soon” is neither a span"),
        (f"--after {UUID(int=9)}", "is gone"),
        ("--status done", "Invalid value for '--status'"),
    ],
)
def test_a_filter_that_is_none_is_a_sentence(app: Flask, options: str, problem: str) -> None:
    done = run(app, "generations", "list", *options.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert problem in done.stderr.splitlines()[-1]


def test_one_is_shown_whole_by_any_of_its_names(app: Flask, past: Past, conn: Conn, make_course: MakeCourse) -> None:
    course = make_course(slug="geology", generation_progress=Jsonb({"lessons_completed": 3, "lessons_total": 20}))
    earlier, latest = uuid4(), uuid4()
    for generation_id, at, ended in ((earlier, 60, now() - minutes(50)), (latest, 30, None)):
        past.generation(
            now() - minutes(at),
            ended,
            "failed" if ended else "running",
            id=generation_id,
            course_id=course.id,
            stage="TEXT_GENERATION",
            request_id=f"request-{at}",
        )
    past.attempt(latest, "TEXT_GENERATION", now() - minutes(20), None, None)
    assert run(app, "generations", "log", "geology").stderr.endswith("The log of its worker has every line.\n")
    attempt = conn.execute("select max(id) as id from coursegen.attempts").fetchone()
    assert attempt is not None
    conn.execute("insert into coursegen.attempt_logs values (%s, %s)", [attempt["id"], "asked the model\nagain\n"])
    for name, found in {
        str(earlier): earlier,
        "geology": latest,
        str(course.id): latest,
        "request-60": earlier,
        "request-30": latest,
    }.items():
        [row] = rows(app, "generations", "show", name)
        assert UUID(row["id"]) == found, name
    shown = run(app, "generations", "show", "geology")
    assert shown.stderr.startswith("The latest of 2 of this course")
    assert shown.stdout.startswith(
        "geology: running; w1 has had TEXT_GENERATION in hand for 20 min; no progress for 20"
    )
    assert "\nNo worker serves stages: start `coursegen worker`\n" in shown.stdout
    for text in ("Steps (3 of 20 lessons)", "4 Lessons", "Starts", "Log of TEXT_GENERATION", "  asked the model\n"):
        assert text in shown.stdout
    assert run(app, "generations", "log", "geology").stdout.endswith(" running\n  asked the model\n  again\n")
    for arguments in (["list", "--course"], ["show"], ["cancel", str(UUID(int=9)), "--reason"]):
        done = run(app, "generations", *arguments, "\udcff")  # as Python has an argument's bytes that are no UTF-8
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
    done = run(app, "generations", "show", "unknown")
    assert (done.exit_code, done.stderr) == (1, "Error: No generation, course or request is called unknown\n")


def test_a_name_of_several_lists_them(app: Flask, past: Past) -> None:
    ids = [past.generation(now() - minutes(n), request_id="batch") for n in (1, 2)]
    done = run(app, "generations", "show", "batch")
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(map(str, ids))
    assert done.stderr == "Error: Several generations are called batch: name one by its id\n"


def test_workers_are_listed_with_what_they_have_in_hand(app: Flask, past: Past, conn: Conn) -> None:
    add_worker(conn, "stages")
    add_worker(conn, "upkeep", silent_s=3600)
    job = past.generation(now() - minutes(5), status="running")
    past.attempt(job, "TEXT_GENERATION", now() - minutes(3), None, None, worker="host:1")
    alive, dead = (line.split(maxsplit=5) for line in run(app, "workers").stdout.splitlines()[1:])
    assert (alive[:3], dead[:3]) == (["alive", "worker", "host:1"], ["dead", "worker", "host:1"])
    assert f"TEXT_GENERATION of {job} for 3 min" in " ".join(alive)
    assert [row["is_alive"] for row in rows(app, "workers")] == [True, False]


def test_the_queue_is_listed_in_the_order_of_fetching_with_what_delays_a_job(
    app: Flask, past: Past, conn: Conn
) -> None:
    def job(delay_s: float = 0, priority: int = 1, outcome: str | None = None, **fields: Any) -> UUID:
        generation_id = past.generation(now(), status="running", **fields)
        if outcome:
            past.attempt(generation_id, "FINALIZATION", now(), minutes(0), outcome)
        conn.execute(
            "insert into procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)"
            " values ('stages', 'tasks.stages.finalization', %s, %s, now() + make_interval(secs => %s))",
            [priority, Jsonb({"generation_id": str(generation_id)}), delay_s],
        )
        return generation_id

    paused = job(60, 10, paused_until=now() + minutes(1), paused_why="provider_busy", system_slot=None)
    retried = job(60, 10, outcome="failed")
    later, first = job(), job(priority=9)
    found = rows(app, "queue", "--queue", "stages")
    assert [(UUID(row["generation_id"]), row["delayed_by"]) for row in found] == [
        (first, None),
        (later, None),
        (paused, "provider_busy"),
        (retried, "after failed"),
    ]
    assert run(app, "queue", "--queue", "webhooks").stdout.count("\n") == 1
    assert run(app, "pause", "stages", "--reason", "the provider is down").exit_code == 0
    paused_by = run(app, "queue").stderr
    assert paused_by.startswith("stages is paused by cli:")
    assert ": the provider is down\n" in paused_by
    assert "No worker serves stages: start `coursegen worker --only stages`\n" in paused_by


def test_the_audit_is_filtered_by_who_what_and_which(app: Flask, past: Past) -> None:
    job, other = (past.generation(now(), status="running") for _ in range(2))
    assert run(app, "generations", "cancel", str(job), "--reason", "it hangs").exit_code == 0
    assert run(app, "generations", "cancel", str(other)).exit_code == 0
    for options, number in {
        "": 2,
        "--action cancel": 2,
        "--action retry": 0,
        "--actor cli:": 2,
        "--actor ada": 0,
        f"--generation {job}": 1,
    }.items():
        assert len(rows(app, "audit", *options.split())) == number, options
    assert "it hangs" in run(app, "audit", "--generation", str(job)).stdout


def test_all_that_match_are_cancelled_once_confirmed_and_what_changed_is_reported(
    app: Flask, past: Past, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = [past.generation(now() - minutes(30), status="running") for _ in range(3)]
    fresh = past.generation(now(), status="running")
    cancel = ("generations", "cancel", "--stuck", "15m")
    assert run(app, *cancel).stderr.endswith("Error: Say why: --reason\n")
    done = run(app, *cancel, "--dry-run")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "3 to cancel")
    done = run(app, *cancel, "--reason", "they hang", typed="3\n")  # not from a terminal
    assert (done.exit_code, done.stderr) == (1, "Error: Nothing was changed. Type their number, 3, or add --yes.\n")
    assert statuses(conn, *hanging, fresh) == ["running"] * 4

    prepare = bulk.prepare

    def prepare_and_change(*arguments: Any) -> UUID:
        run_id = prepare(*arguments)
        conn.execute("update courses set last_progress_update = now() where id = (select course_id from"
                     " coursegen.generations where id = %s)", [hanging[0]])  # fmt: skip
        return run_id

    monkeypatch.setattr(bulk, "prepare", prepare_and_change)
    done = run(app, *cancel, "--reason", "they hang", "--yes")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done: 2, changed: 1, failed: 0, left: 0"
    assert f"{hanging[0]}  running" in done.stdout.partition("to cancel")[2]
    assert statuses(conn, *hanging, fresh) == ["running", "cancelled", "cancelled", "running"]
    assert {row["reason"] for row in rows(app, "audit", "--action", "cancel")} == {"they hang"}


def test_a_retry_of_all_says_what_is_left_where_the_system_is_full(app: Flask, past: Past, conn: Conn) -> None:
    failed = [past.generation(now() - minutes(9), now(), "failed", user_id=uuid4()) for _ in range(5)]
    done = run(app, "generations", "retry", "--status", "failed", "--reason", "the provider is back", "--yes")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "done: 3, changed: 0, failed: 0, left: 2"
    assert done.stderr.splitlines()[-1].startswith("Error: Not all: The system is full")
    retried = conn.execute("select retry_of from coursegen.generations where retry_of = any(%s)", [failed]).fetchall()
    assert len(retried) == 3
    done = run(app, "generations", "retry", "--user", str(ADA), "--reason", "again", "--yes")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "0 to retry")


def test_a_failed_admission_says_why(app: Flask, conn: Conn, make_course: MakeCourse) -> None:
    course = make_course()
    conn.execute("create function public.refuse() returns trigger language plpgsql as"
                 " $$ begin raise 'courses are closed'; end $$")  # fmt: skip
    conn.execute("create trigger refuse before update on courses for each row execute function public.refuse()")
    try:
        done = run(app, "generate", str(course.id))
    finally:
        conn.execute("drop function public.refuse cascade")
    assert (done.exit_code, done.stderr) == (1, "Error: The admission was rolled back: courses are closed\n")
