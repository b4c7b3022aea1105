"""Pruning: rows past their time are deleted in batches, and no others."""

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.queue import PERIODIC
from app.operations.listings import PERIODIC_DOES
from app.services import Services
from tasks import upkeep
from tasks.worker_app import HOURLY, LIMIT_MOVES
from tests.integration.factories import MakeCourse, add_process, add_worker
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration
from tests.integration.tasks.processes import wait_until

Connection = psycopg.Connection[DictRow]


def test_operators_know_each_periodic_task(make_worker: MakeWorker) -> None:
    worker = make_worker(alert_webhook_url="http://127.0.0.1:1/", global_concurrency_limit=None)
    seconds = {HOURLY: 3600, LIMIT_MOVES: 5}
    registered = worker.periodic_registry.periodic_tasks.values()
    assert {each.task.name: seconds.get(each.cron) for each in registered} == PERIODIC
    assert set(PERIODIC_DOES) == set(PERIODIC)


def test_events_of_this_service_are_kept_for_ninety_days(
    services: Services, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 3)
    conn.execute(
        'insert into system_metrics (event_type, severity, job_id, "timestamp")'
        " select 'job_rollback', 'error', n::text, now() - make_interval(days => 100 - n, hours => 1)"
        " from generate_series(1, 20) n;"
        'insert into coursegen.written_events select id, "timestamp" from system_metrics where job_id::int <> 5'
    )
    upkeep.prune(services)
    kept = {int(row["job_id"]) for row in rows(conn, "select job_id from system_metrics")}
    assert kept == {5, *range(11, 21)}  # one was the platform's
    assert rows(conn, "select count(*) as n from coursegen.written_events") == [{"n": 10}]


def test_attempts_go_with_time_but_never_those_of_an_active_generation(
    services: Services, conn: Connection, make_course: MakeCourse, start_generation: StartGeneration
) -> None:
    active, final = start_generation(make_course()), start_generation(make_course())
    conn.execute(
        "update coursegen.generations set status = 'failed', finished_at = now(), user_slot = null,"
        " system_slot = null where id = %s",
        [final],
    )
    for generation_id in (active, final):
        for days in (100, 10):
            conn.execute(
                "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker, started_at)"
                " values (%s, 'FINALIZATION', 1, 1, 'w', now() - make_interval(days => %s))",
                [generation_id, days],
            )
    upkeep.prune(services)
    kept = rows(conn, "select generation_id, count(*) as n from coursegen.attempts group by 1")
    assert {row["generation_id"]: row["n"] for row in kept} == {active: 2, final: 1}


def test_final_generations_go_with_time_but_for_the_newest_and_the_newest_completed_of_a_course(
    services: Services, conn: Connection, make_course: MakeCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    insert = (
        "insert into coursegen.generations (id, course_id, user_id, tier, priority, stage, source, status, created_at,"
        " finished_at) select gen_random_uuid(), %s, %s, 'FREE', 1, 'STRUCTURE_ANALYSIS', 'rest', %s, t, t"
        " from (select now() - make_interval(days => %s) as t) time"
    )
    ended = {
        "looped": [("cancelled", 100 + number) for number in range(7)],
        "redone": [("completed", 120), ("failed", 110), ("completed", 100), ("cancelled", 95), ("cancelled", 93)],
        "recent": [("cancelled", 89), ("completed", 88), ("failed", 1), ("cancelled", 0)],
    }
    courses = {name: make_course() for name in ended}
    for name, generations in ended.items():
        for status, days in generations:
            conn.execute(insert, [courses[name].id, courses[name].user_id, status, days])
    conn.execute(
        "insert into coursegen.finished_courses"
        " select id, '', '{}' from coursegen.generations where status = 'completed'"
    )
    active = make_course()
    start_again = insert.replace("finished_at)", "user_slot, system_slot)").replace("t, t", "t, 1, 1")
    conn.execute(insert, [active.id, active.user_id, "failed", 110])
    conn.execute(start_again, [active.id, active.user_id, "running", 100])
    upkeep.prune(services)
    query = (
        "select course_id, array_agg(status::text order by created_at) as kept"
        " from coursegen.generations group by course_id"
    )
    kept = {row["course_id"]: row["kept"] for row in rows(conn, query)}
    assert kept == {
        courses["looped"].id: ["cancelled"],
        courses["redone"].id: ["completed", "cancelled"],
        courses["recent"].id: ["cancelled", "completed", "failed", "cancelled"],
        active.id: ["running"],
    }
    assert len(rows(conn, "select 1 from coursegen.finished_courses")) == 2


def test_units_that_no_run_has_used_for_ninety_days_go(
    services: Services, conn: Connection, make_course: MakeCourse
) -> None:
    conn.execute(
        """
        insert into coursegen.units
        select
            %s, 'TEXT_GENERATION', n::text, '', null, '"x"', 'h', 'v', null, 1, 1, 1, '2020-01-01',
            now() - n * interval '1 day'
        from generate_series(88, 92) n
        """,
        [make_course().id],
    )
    upkeep.prune(services)
    assert [row["unit"] for row in rows(conn, "select unit from coursegen.units order by unit")] == ["88", "89"]


def test_workers_dead_for_a_day_are_forgotten(services: Services, conn: Connection) -> None:
    conn.execute("insert into procrastinate_workers (last_heartbeat) values (now() - interval '2 days'), (now())")
    for silent_s in (2 * 86400, 0):
        add_worker(conn, "stages", silent_s=silent_s)
        add_process(conn, f"host:{silent_s}", "api", services.settings, silent_s=silent_s)
    upkeep.prune(services)
    assert rows(conn, "select process from coursegen.processes") == [{"process": "host:0"}]
    assert len(rows(conn, "select 1 from procrastinate_workers")) == 1
    assert len(rows(conn, "select 1 from coursegen.workers")) == 1


def test_idempotency_keys_are_good_for_a_day(
    services: Services, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 3)
    conn.execute(
        "insert into coursegen.idempotency_keys (user_id, key, fingerprint, generation_id, created_at)"
        " select gen_random_uuid(), n::text, '', gen_random_uuid(), now() - make_interval(hours => n, mins => 1)"
        " from generate_series(15, 30) n"
    )
    upkeep.prune(services)
    kept = {int(row["key"]) for row in rows(conn, "select key from coursegen.idempotency_keys")}
    assert kept == set(range(15, 24))


def test_every_piece_of_upkeep_is_periodic(make_worker: MakeWorker) -> None:
    pieces = ("take_over", "keep_slots", "rescue_webhooks", "age", "prune", "remove_jobs")
    for limit, expected in [(3, pieces), (None, (*pieces, "move_limit"))]:
        registry = make_worker(global_concurrency_limit=limit).periodic_registry
        periodic = {task.task.name for task in registry.periodic_tasks.values()}
        assert periodic == {f"tasks.upkeep.{piece}" for piece in expected}


def test_the_limit_is_moved_only_when_the_living_could_be_heard(make_worker: MakeWorker, conn: Connection) -> None:
    app = make_worker(global_concurrency_limit=None, global_concurrency_limit_min=5, stalled_s=0.5)
    move = app.tasks["tasks.upkeep.move_limit"].func
    app.contact.note()
    move(0)
    assert not rows(conn, "select 1 from coursegen.dynamic_limit")

    def is_heard() -> bool:
        app.contact.note()
        return app.contact.lasts(0.5)

    wait_until(is_heard)
    move(0)
    assert rows(conn, "select value from coursegen.dynamic_limit") == [{"value": 5}]


@pytest.mark.parametrize("upkeep_s", [1, 10, 30])
def test_upkeep_runs_as_often_as_set_and_pruning_once_an_hour(make_worker: MakeWorker, upkeep_s: int) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    for task in make_worker(upkeep_s=upkeep_s).periodic_registry.periodic_tasks.values():
        first = task.croniter.get_next(ret_type=float, start_time=noon)
        second = task.croniter.get_next(ret_type=float, start_time=first)
        often = task.task.name not in ("tasks.upkeep.prune", "tasks.upkeep.remove_jobs")
        assert second - first == (upkeep_s if often else 3600)


def test_a_dead_upkeep_workers_job_is_closed(services: Services, conn: Connection) -> None:
    conn.execute(
        "with dead as ("
        " insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour') returning id)"
        " insert into procrastinate_jobs (queue_name, task_name, status, worker_id)"
        " select 'upkeep', 'tasks.upkeep.keep_slots', 'doing', id from dead"
    )
    upkeep.take_over(services, 20)
    assert rows(conn, "select 1 from procrastinate_jobs") == []
