"""Actions on many generations: what is taken, what is done, and what a process that dies leaves."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import DictRow

from app.database.queries import QUERIES
from app.generation.admission.requests import Order
from app.generation.audit import Actor
from app.generation.callers import Caller
from app.generation.errors import NotWaiting
from app.generation.tiers import Tier
from app.operations import actions
from app.operations.generations import bulk
from app.operations.listings import NotFound
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.operations.rows import ADA, Past, minutes
from tests.integration.tasks.processes import wait_until

Conn = psycopg.Connection[DictRow]
OPERATOR = Actor("console:ops", "the provider is down")
NOW = datetime.now(UTC)


@pytest.fixture
def past(conn: Conn) -> Past:
    return Past(conn)


def end(conn: Conn, *generation_ids: UUID, status: str = "completed") -> None:
    conn.execute(
        "update coursegen.generations set status = %s::coursegen.generation_status, finished_at = now(),"
        " user_slot = null, system_slot = null where id = any(%s)",
        [status, list(generation_ids)],
    )


def confirmed(services: Services, given: Mapping[str, str], action: str, ids: list[UUID] | None = None) -> UUID:
    run_id = bulk.prepare(services.db, bulk.preview(services.db, given, action, ids), OPERATOR.name)
    assert bulk.confirm(services.db, run_id, OPERATOR)
    return run_id


def counts(services: Services, run_id: UUID) -> tuple[int, ...]:
    run = bulk.find_run(services.db, run_id)
    return tuple(run[name] for name in ("done", "changed", "failed", "left"))


def audited(conn: Conn, action: str) -> list[dict[str, Any]]:
    rows = conn.execute("select * from coursegen.audit where action = %s order by id", [action]).fetchall()
    assert all((row["actor"], row["reason"]) == (OPERATOR.name, OPERATOR.reason) for row in rows)
    return rows


def test_what_matched_is_acted_on_in_batches_and_what_changed_is_reported(
    services: Services, past: Past, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 5)
    matching = [past.generation(NOW - minutes(30), status="running", stage="TEXT_GENERATION") for _ in range(12)]
    past.generation(NOW - minutes(1), status="running", stage="TEXT_GENERATION")
    past.generation(NOW - minutes(30))
    found = bulk.preview(services.db, {"stuck": "15m", "stage": "TEXT_GENERATION"}, "cancel")
    assert (set(found.ids), found.skipped, found.is_cut) == (set(matching), {}, False)
    run_id = bulk.prepare(services.db, found, OPERATOR.name)
    later = past.generation(NOW - minutes(30), status="running", stage="TEXT_GENERATION")
    end(conn, *matching[:2])
    conn.execute("update coursegen.generations set stage = 'FINALIZATION' where id = %s", [matching[2]])
    conn.execute("update courses set last_progress_update = now() where id ="
                 " (select course_id from coursegen.generations where id = %s)", [matching[3]])  # fmt: skip
    conn.execute("delete from coursegen.generations where id = %s", [matching[4]])
    bulk.run_all(services, run_id)
    assert counts(services, run_id) == (0, 0, 0, 12)  # nobody confirmed it
    assert [bulk.confirm(services.db, run_id, OPERATOR) for _ in range(2)] == [True, False]
    bulk.run_all(services, run_id)
    assert counts(services, run_id) == (7, 5, 0, 0)
    whys = [row["why"] for row in bulk.find_run(services.db, run_id)["shown"] if row["outcome"] == "changed"]
    assert sorted(whys) == ["ended", "ended", "gone", "moved", "moved"]
    cancelled = conn.execute("select id from coursegen.generations where status = 'cancelled'").fetchall()
    assert {row["id"] for row in cancelled} == set(matching[5:])
    assert len(audited(conn, "cancel")) == 7
    [begun], [ended] = audited(conn, "bulk_cancel"), audited(conn, "bulk_cancel_ended")
    assert begun["details"] == {"run": str(run_id), "rows": 12, "filter": {"stuck": "15m", "stage": "TEXT_GENERATION"}}
    assert (ended["details"]["done"], ended["details"]["changed"]) == (7, 5)
    bulk.run_all(services, run_id)
    assert len(audited(conn, "cancel")) == 7
    assert later not in found.ids


def test_the_action_is_not_taken_where_it_does_not_apply(services: Services, past: Past, conn: Conn) -> None:
    failed, completed = (past.generation(NOW - minutes(9), NOW, status) for status in ("failed", "completed"))
    row = conn.execute("select course_id from coursegen.generations where id = %s", [failed]).fetchone()
    assert row
    again = past.generation(NOW - minutes(5), NOW, "failed", course_id=row["course_id"])
    running = past.generation(NOW - minutes(1), status="running")
    for action, ids, skipped in [
        ("cancel", [running], {"ended": 3}),
        ("retry", [again], {"not_failed": 2, "later": 1}),
        ("resend", [], {"delivered": 4}),
    ]:
        found = bulk.preview(services.db, {}, action)
        assert (list(found.ids), found.skipped) == (ids, skipped), action
    chosen = bulk.preview(services.db, {"status": "failed"}, "retry", [again, completed, uuid4()])
    assert (list(chosen.ids), chosen.skipped) == ([again], {"not_failed": 1, "gone": 1})
    assert chosen.filter == {"status": "failed", "selected": "3"}
    run_id = confirmed(services, {}, "retry", [again])  # whose user has one active
    bulk.run_all(services, run_id)
    [row] = bulk.find_run(services.db, run_id)["shown"]
    assert (row["outcome"], "as the tier allows" in row["why"]) == ("failed", True)


def test_what_a_process_that_died_has_done_is_not_done_twice(services: Services, past: Past, conn: Conn) -> None:
    active = [past.generation(NOW - minutes(1)) for _ in range(2)]
    failed = [past.generation(NOW - minutes(9), NOW, "failed", user_id=UUID(int=n)) for n in (7, 8)]
    silent = [past.generation(NOW - minutes(9), NOW, webhook_url="https://lms.example/hook") for _ in range(2)]
    conn.execute(
        "insert into coursegen.webhook_deliveries"
        " (generation_id, seq, status, step, percentage, message, state, finished_at)"
        " select unnest(%s::uuid[]), 1, 'completed', 5, 100, 'm', 'given_up', now()",
        [silent],
    )
    acts: list[tuple[str, list[UUID], Callable[[UUID], object]]] = [
        ("cancel", active, lambda row: actions.cancel(services, row, OPERATOR)),
        ("retry", failed, lambda row: actions.retry(services, row, OPERATOR)),
        ("resend", silent, lambda row: actions.resend_webhook(services, row, None, OPERATOR)),
    ]
    for action, ids, act in acts:
        run_id = confirmed(services, {}, action, ids)
        act(ids[0])  # and no outcome was written
        bulk.run_all(services, run_id)
        assert counts(services, run_id) == (2, 0, 0, 0), action
        assert len(audited(conn, action)) == 2, action


def test_a_run_is_in_one_hand_and_passes_on_when_that_is_silent(
    services: Services, past: Past, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = confirmed(services, {"user": str(ADA)}, "cancel", [past.generation(NOW), past.generation(NOW)])
    first = uuid4()
    held = {"id": run_id, "holder": first, "hold_s": 60}
    conn.execute(QUERIES["hold_bulk_run"], held)
    bulk.run_all(services, run_id)
    assert counts(services, run_id) == (0, 0, 0, 2)
    assert bulk.find_run(services.db, run_id)["is_held"]
    conn.execute("update coursegen.bulk_runs set held_until = now()")
    monkeypatch.setattr(bulk, "BATCH", 1)
    assert bulk.run_batch(services, run_id, uuid4())
    assert not bulk.run_batch(services, run_id, first)  # it wakes up
    assert bulk.stop(services.db, run_id, OPERATOR)
    bulk.run_all(services, run_id)
    assert counts(services, run_id) == (1, 0, 0, 1)
    assert not bulk.stop(services.db, run_id, OPERATOR)
    assert audited(conn, "bulk_cancel_ended")[0]["details"]["left"] == 1


def test_a_run_outlasts_a_database_that_is_away_for_a_while(
    services: Services, past: Past, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AGAIN_S", 0.1)
    run_id = confirmed(services, {}, "cancel", [past.generation(NOW) for _ in range(2)])
    conn.execute(
        """
        create sequence outcomes;
        grant usage on sequence outcomes to public;
        create function go_away() returns trigger language plpgsql as $$
        begin
            if nextval('public.outcomes') <= 2 then
                raise cannot_connect_now;
            end if;
            return new;
        end
        $$;
        create trigger go_away before update on coursegen.bulk_rows for each row execute function go_away();
        """
    )
    try:
        bulk.run_all(services, run_id)
    finally:
        conn.execute("drop function go_away cascade; drop sequence outcomes")
    assert counts(services, run_id) == (2, 0, 0, 0)
    assert len(audited(conn, "cancel")) == 2


def test_retries_wait_for_slots_of_the_system(
    make_services_with: Callable[..., Services], past: Past, conn: Conn
) -> None:
    services = make_services_with(limit=2)
    for number in (7, 8, 9):
        past.generation(NOW - minutes(9), NOW, "failed", user_id=UUID(int=number))
    run_id = confirmed(services, {"status": "failed"}, "retry")
    bulk.run_all(services, run_id)
    assert counts(services, run_id) == (2, 0, 0, 1)
    assert [(row["id"], row["left"]) for row in bulk.list_open(services.db)] == [(run_id, 1)]
    run = bulk.find_run(services.db, run_id)
    assert (run["held_up"].startswith("The system is full"), run["is_held"]) == (True, False)
    [active, *_] = conn.execute("select id from coursegen.generations where finished_at is null").fetchall()
    actions.cancel(services, active["id"], OPERATOR)
    bulk.run_all(services, run_id)
    assert counts(services, run_id) == (3, 0, 0, 0)
    assert bulk.list_open(services.db) == []


def test_a_priority_is_set_with_its_job_and_not_of_one_that_was_fetched(
    services: Services, make_course: MakeCourse, conn: Conn, past: Past
) -> None:
    course = make_course()
    generation = services.admissions.admit(Caller(course.user_id, Tier.BASIC), Order(course.id)).generation_id

    def priorities() -> dict[str, Any]:
        row = conn.execute(
            "select g.priority, j.priority as job from coursegen.generations g"
            " join procrastinate_jobs j on j.args ->> 'generation_id' = g.id::text where g.id = %s",
            [generation],
        ).fetchone()
        assert row
        return row

    assert actions.set_priority(services, generation, 20, OPERATOR) == 3
    assert priorities() == {"priority": 20, "job": 20}
    assert audited(conn, "priority")[0]["details"] == {"was": 3, "priority": 20}
    # A stage that was handed back goes before first stages of its priority.
    conn.execute("update coursegen.generations set status = 'running', started_at = now() where id = %s", [generation])
    assert actions.set_priority(services, generation, 0, OPERATOR) == 20
    assert priorities() == {"priority": 0, "job": 1}
    with ThreadPoolExecutor(1) as thread, psycopg.connect(services.settings.database_url) as worker:
        worker.execute("select procrastinate_fetch_job_v2(null, null)")
        late = thread.submit(actions.set_priority, services, generation, 50, OPERATOR)
        wait_until(lambda: conn.execute("select from pg_locks where not granted").fetchall())
        worker.commit()
        with pytest.raises(NotWaiting):
            late.result(30)
    assert priorities() == {"priority": 0, "job": 1}
    with pytest.raises(NotWaiting):
        actions.set_priority(services, past.generation(NOW - minutes(9), NOW), 50, OPERATOR)
    with pytest.raises(NotFound):
        actions.set_priority(services, uuid4(), 50, OPERATOR)
    with pytest.raises(ValueError, match="from 0 to 100"):
        actions.set_priority(services, generation, 101, OPERATOR)
    assert len(audited(conn, "priority")) == 2
