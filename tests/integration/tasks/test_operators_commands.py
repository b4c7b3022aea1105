"""The operator's commands on coursegen.generations that ran: list, show, cancel, retry, events, doctor."""

import json
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow

from app.cli.command_setup import operator
from app.generation.stages import Stage
from app.generation.tiers import Tier
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=arguments)


@pytest.fixture
def failed(
    app: Flask, make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> UUID:
    """A generation that failed at its third stage, after brief and outline."""
    generation_id = start_generation(make_course(title="Курс"), Tier.BASIC)
    handlers = {Stage.STRUCTURE_ANALYSIS: "plug_in", Stage.STRUCTURE_GENERATION: "outline"}
    work(make_worker({**handlers, Stage.TEXT_GENERATION: "refuses"}))
    assert status_of(conn, generation_id) == "failed"
    return generation_id


def test_the_log_of_a_generations_handlers_is_shown_start_by_start(
    app: Flask, make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse
) -> None:
    generation_id = start_generation(make_course())
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "talks", Stage.STRUCTURE_GENERATION: "outline"}))
    [head, *lines] = run(app, "generations", "log", str(generation_id)).output.splitlines()
    assert head.startswith("STRUCTURE_ANALYSIS 20")
    assert head.endswith(" completed")
    said = [json.loads(line) for line in lines]
    assert [line["text"] for line in said if line["message"] == "handler_output"][:3] == ["печатает", "в два", "ряда"]
    [slow] = [line for line in said if line["message"] == "model_slow"]
    assert (slow["level"], slow["seconds"]) == ("warning", 3)
    assert "No generation, course or request is called" in run(app, "generations", "log", str(uuid4())).output


def test_generations_are_listed_with_their_errors(app: Flask, failed: UUID) -> None:
    listed = run(app, "generations", "list", "--status", "failed")
    assert listed.exit_code == 0
    assert str(failed) in listed.output
    assert "В документах нет текста" in listed.output
    assert str(failed) not in run(app, "generations", "list", "--status", "completed").output
    [row] = json.loads(run(app, "generations", "list", "--json").stdout)
    assert (row["id"], row["status"], row["stage"]) == (str(failed), "failed", "TEXT_GENERATION")


def test_one_is_shown_with_every_start(app: Flask, failed: UUID) -> None:
    shown = run(app, "generations", "show", str(failed))
    assert shown.exit_code == 0
    assert "StageFailed: В документах нет текста" in shown.output
    [whole] = json.loads(run(app, "generations", "show", str(failed), "--json").stdout)
    assert [attempt["outcome"] for attempt in whole["attempts"]] == ["completed", "completed", "failed"]


def test_a_retry_goes_on_at_the_failed_stage_with_what_was_done_before(
    app: Flask, failed: UUID, make_worker: MakeWorker, conn: Connection, redis_client: Redis
) -> None:
    done = run(app, "generations", "retry", str(failed))
    assert done.exit_code == 0, done.output
    new_id = UUID(done.output.split()[-1])
    [generation] = rows(conn, "select * from coursegen.generations where id = %s", new_id)
    assert (generation["retry_of"], generation["stage"], generation["tier"]) == (failed, "TEXT_GENERATION", "BASIC")
    [course] = rows(conn, "select * from courses")
    steps = [step["status"] for step in course["generation_progress"]["steps"]]
    assert steps == ["completed", "completed", "completed", "pending", "pending"]
    assert course["status"] == "initializing"
    work(make_worker())
    assert status_of(conn, new_id) == "completed"
    assert status_of(conn, failed) == "failed"
    started = rows(conn, "select distinct stage::text from coursegen.attempts where generation_id = %s", new_id)
    assert {row["stage"] for row in started} == {"TEXT_GENERATION", "FINALIZATION"}
    titles = rows(conn, "select title from coursegen.lessons where generation_id = %s order by number", new_id)
    assert [row["title"] for row in titles] == ["Урок 1", "Урок 2", "Урок 3"]
    assert redis_client.zcard("concurrency:global") == 0


def test_only_a_failed_generation_is_retried_and_the_limits_hold(
    app: Flask, failed: UUID, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    assert "There is no generation" in run(app, "generations", "retry", str(uuid4())).output
    [owner] = rows(conn, "select user_id from coursegen.generations")
    for _ in range(2):
        start_generation(make_course(user_id=owner["user_id"]), Tier.BASIC)
    refused = run(app, "generations", "retry", str(failed))
    assert refused.exit_code == 1
    assert "as many active generations as the tier allows" in refused.output
    assert len(rows(conn, "select 1 from coursegen.generations")) == 3


def test_an_active_one_is_cancelled_and_no_other(
    app: Flask, failed: UUID, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    active = start_generation(make_course())
    assert run(app, "generations", "cancel", str(active)).exit_code == 0
    assert status_of(conn, active) == "cancelled"
    refused = run(app, "generations", "cancel", str(failed))
    assert (refused.exit_code, status_of(conn, failed)) == (1, "failed")


def test_all_active_ones_are_cancelled_and_their_courses_say_why(
    app: Flask, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, redis_client: Redis
) -> None:
    queued, running = start_generation(make_course()), start_generation(make_course())
    conn.execute("update coursegen.generations set status = 'running' where id = %s", [running])
    conn.execute(
        "select coursegen.update_course_progress(course_id, 2, 'in_progress', 'Идёт')"
        " from coursegen.generations where id = %s",
        [running],
    )
    done = run(app, "generations", "cancel", "--all", "--message", "Запустите её ещё раз.", "--reason", "moving")
    assert (done.exit_code, done.output) == (0, "Cancelled: 2\n")
    shown = "select generation_progress ->> 'message' as message, status from courses"
    assert rows(conn, shown) == [{"message": "Запустите её ещё раз.", "status": "cancelled"}] * 2
    assert {status_of(conn, queued), status_of(conn, running)} == {"cancelled"}
    assert redis_client.zcard("concurrency:global") == 0
    audited = "select action, reason, count(*) as n from coursegen.audit group by 1, 2"
    assert rows(conn, audited) == [{"action": "cancel", "reason": "moving", "n": 2}]
    assert run(app, "generations", "cancel", "--all").output == "Cancelled: 0\n"
    for arguments in ([], ["--all", str(queued)]):
        assert run(app, "generations", "cancel", *arguments).exit_code == 2


def test_every_change_is_a_row_of_the_audit(app: Flask, failed: UUID, conn: Connection) -> None:
    new_id = UUID(run(app, "generations", "retry", str(failed), "--reason", "asked by phone").output.split()[-1])
    run(app, "slots", "--rebuild")
    run(app, "generations", "cancel", str(new_id))
    run(app, "generations", "cancel", str(new_id))
    found = rows(conn, "select actor, action, generation_id, reason from coursegen.audit order by id")
    actor = operator().name
    assert [tuple(row.values()) for row in found] == [
        (actor, "retry", new_id, "asked by phone"),
        (actor, "rebuild_slots", None, None),
        (actor, "cancel", new_id, None),
    ]


def test_events_are_listed(app: Flask, conn: Connection) -> None:
    conn.execute(
        "insert into system_metrics (event_type, severity, job_id) values ('worker_timeout', 'error', 'one'),"
        " ('job_rollback', 'error', 'two')"
    )
    listed = json.loads(run(app, "events", "--type", "worker_timeout", "--json").stdout)
    assert [event["job_id"] for event in listed] == ["one"]
    assert "job_rollback" in run(app, "events", "--since", "1h").output
    assert "neither a span" in run(app, "events", "--since", "yesterday").output


def test_the_doctor_names_what_is_wrong_and_what_to_do(app: Flask, conn: Connection, redis_client: Redis) -> None:
    redis_client.zadd("concurrency:global", {str(uuid4()): 0})
    found = {row["check"]: row for row in json.loads(run(app, "doctor", "--json").stdout)}
    assert found["migrations"]["state"] == found["database"]["state"] == found["redis"]["state"] == "ok"
    for queue in ("stages", "upkeep"):
        advice = f"Start `coursegen worker`, or `coursegen worker --only {queue}`."
        workers = found[f"workers of {queue}"]
        assert (workers["state"], workers["advice"]) == ("error", advice)
    assert found["slots"]["state"] == "warning"
    table = run(app, "doctor")
    assert table.exit_code == 1
    assert "coursegen worker" in table.output
    assert table.stdout.splitlines()[-1] == (
        "The courses' files can't be read; no worker serves `stages`; no worker serves `upkeep`; "
        "JWT_SECRET can be guessed; Redis counts slots otherwise than PostgreSQL."
    )
