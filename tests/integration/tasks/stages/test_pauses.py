"""Stages that wait, for a busy provider or for a place: without a start, with their slots, and not stuck."""

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.generation.callers import Caller
from app.generation.errors import StageFull
from app.generation.runs.cancel import cancel_course
from app.generation.runs.verbs import count_start
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from app.settings import Settings
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, working
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import Connection, Redis, claim, outcomes, run, slots_held

BUSY = {Stage.STRUCTURE_ANALYSIS: "tests.integration.tasks.paid_handlers.busy"}
STAGE = Stage.STRUCTURE_ANALYSIS


def paused(conn: Connection, generation_id: UUID) -> dict[str, Any]:
    query = """
        select status::text, paused_why, extract(epoch from paused_until - now())::float as seconds
        from coursegen.generations where id = %s
    """
    [row] = rows(conn, query, generation_id)
    return row


def is_stuck(conn: Connection, course: Course) -> bool:
    query = "select is_stuck from coursegen.poll_course_v2(null, %s, %s, false, 900, 20)"
    return bool(rows(conn, query, course.id, course.user_id)[0]["is_stuck"])


def with_rules(settings: Settings, **rules: Any) -> dict[str, Any]:
    """The changes of settings that give STRUCTURE_ANALYSIS these rules."""
    return {"stage_rules": {**settings.stage_rules, STAGE: rules}}


def test_a_busy_provider_pauses_the_generation_for_as_long_as_it_asks(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    course = make_course(course_description="3600")
    generation_id = start_generation(course)
    work(make_worker(BUSY))
    [attempt] = rows(conn, "select outcome::text, error from coursegen.attempts")
    assert attempt == {"outcome": "paused", "error": "ProviderBusy: A provider is busy"}
    state = paused(conn, generation_id)
    assert 3500 < state.pop("seconds") <= 3600
    assert state == {"status": "running", "paused_why": "provider_busy"}
    assert slots_held(redis_client) == 1
    [shown] = rows(conn, "select generation_progress ->> 'message' as message from courses")
    assert shown["message"] == "Внешний сервис занят. Генерация продолжится сама."

    # Its clock stands until the pause is over, and begins anew then.
    conn.execute("update courses set last_progress_update = now() - interval '1 hour'")
    conn.execute("update coursegen.generations set created_at = now() - interval '1 hour'")
    assert not is_stuck(conn, course)
    conn.execute("update coursegen.generations set paused_until = now() - interval '10 minutes'")
    assert not is_stuck(conn, course)
    conn.execute("update coursegen.generations set paused_until = now() - interval '20 minutes'")
    assert is_stuck(conn, course)

    conn.execute("update procrastinate_jobs set scheduled_at = null where queue_name = 'stages'")
    work(make_worker({Stage.STRUCTURE_GENERATION: "outline"}))
    assert status_of(conn, generation_id) == "completed"
    assert outcomes(conn, STAGE.value) == ["paused", "completed"]
    assert paused(conn, generation_id)["paused_why"] is None


def test_a_provider_that_names_no_time_is_asked_less_and_less_often_and_not_for_ever(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    settings: Settings,
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker(BUSY, **with_rules(settings, backoff_s=200.0, pause_s=900.0))
    waits: list[float | None] = []
    while status_of(conn, generation_id) in ("queued", "running") and len(waits) < 10:
        run(app, claim(conn, generation_id))
        waits.append(paused(conn, generation_id)["seconds"])
        # The time passes.
        conn.execute(
            "update coursegen.attempts set finished_at = finished_at - make_interval(secs => %s)", [waits[-1] or 0]
        )
    assert [wait and round(wait, -1) for wait in waits] == [200, 400, None]  # 600 more would be too long
    [generation] = rows(conn, "select status::text, error_message from coursegen.generations")
    message = "Внешний сервис слишком долго занят. Попробуйте запустить генерацию позже."
    assert generation == {"status": "failed", "error_message": message}
    assert slots_held(redis_client) == 0


@pytest.mark.parametrize(("asked", "status"), [("1e300", "failed"), ("0.001", "running"), ("-5", "running")])
def test_a_pause_has_bounds(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    asked: str,
    status: str,
) -> None:
    generation_id = start_generation(make_course(course_description=asked))
    app = make_worker(BUSY)
    run(app, claim(conn, generation_id))
    state = paused(conn, generation_id)
    assert state["status"] == status
    assert state["seconds"] is None or 0 < state["seconds"] <= 1


def test_a_paused_generation_can_be_cancelled(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    services: Services,
    redis_client: Redis,
) -> None:
    course = make_course(course_description="3600")
    generation_id = start_generation(course)
    work(make_worker(BUSY))
    cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.id)
    assert status_of(conn, generation_id) == "cancelled"
    assert slots_held(redis_client) == 0
    assert rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages' and status = 'todo'") == []


def test_a_stage_runs_at_most_so_many_times_at_once_and_the_others_wait_without_a_start(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    settings: Settings,
    files_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second stage of both: one runs, the other is paused until it has ended."""
    monkeypatch.setattr("app.generation.runs.verbs.FULL_S", 0.5)
    rules = {"stage_rules": {**settings.stage_rules, Stage.STRUCTURE_GENERATION: {"at_once": 1}}}
    outline = "tests.integration.tasks.paid_handlers.waits_with_an_outline"
    app = make_worker({Stage.STRUCTURE_GENERATION: outline}, worker_concurrency=2, **rules)
    first, second = start_generation(make_course()), start_generation(make_course())
    with working(app, "stages"):
        wait_until((files_root / "hanging").exists)
        wait_until(lambda: "stage_full" in {paused(conn, each)["paused_why"] for each in (first, second)})
        starts = "select count(*) as n from coursegen.attempts where stage = 'STRUCTURE_GENERATION'"
        assert rows(conn, starts) == [{"n": 1}]
        (files_root / "go").touch()
        wait_until(lambda: [status_of(conn, each) for each in (first, second)] == ["completed"] * 2)
    assert outcomes(conn, "STRUCTURE_GENERATION") == ["completed"] * 2


def test_who_waits_for_a_place_gets_it_by_priority_and_then_by_age(
    start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    low, high, last = (start_generation(make_course(), tier) for tier in (Tier.FREE, Tier.PREMIUM, Tier.FREE))
    for number, each in enumerate((low, high, last)):
        conn.execute(
            """
            update coursegen.generations
            set status = 'running', paused_why = 'stage_full', paused_until = now(),
                created_at = now() + %s * interval '1 s'
            where id = %s
            """,
            [number, each],
        )

    def full(generation_id: UUID, at_once: int | None) -> bool:
        query = "select coursegen.is_stage_full(g, %s) as is_full from coursegen.generations g where id = %s"
        return bool(rows(conn, query, at_once, generation_id)[0]["is_full"])

    assert [full(each, 1) for each in (low, high, last)] == [True, False, True]
    assert [full(each, 2) for each in (low, high, last)] == [False, False, True]
    assert not full(last, None)
    # A start that was left open takes no place of others.
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
        " select id, stage, 1, 1, 'dead' from coursegen.generations where id = %s",
        [last],
    )
    assert [full(each, 2) for each in (low, high)] == [True, False]
    conn.execute("update coursegen.generations set stage = 'FINALIZATION' where id = %s", [last])
    assert not full(low, 2)
    conn.execute("update coursegen.generations set stage = 'STRUCTURE_ANALYSIS' where id = %s", [last])
    conn.execute("delete from coursegen.attempts")
    # One that has not come for its place for a while does not keep it.
    conn.execute("update coursegen.generations set paused_until = now() - interval '1 minute' where id = %s", [high])
    assert [full(each, 1) for each in (low, last)] == [False, True]


def test_two_do_not_take_the_last_place_at_once(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    settings: Settings,
) -> None:
    app = make_worker({STAGE: "hangs"}, worker_concurrency=3, **with_rules(settings, at_once=1))
    runs = [claim(conn, start_generation(make_course())) for _ in range(3)]
    barrier = threading.Barrier(3)
    started = []

    def count(each: Any) -> None:
        barrier.wait()
        try:
            with app.services.db.statement() as own:
                started.append(count_start(own, each, app.services.settings.rules))
        except StageFull:
            pass

    threads = [threading.Thread(target=count, args=(each,)) for each in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(started) == 1
    jobs = rows(conn, "select 1 from procrastinate_jobs where queue_name = 'stages' and scheduled_at > now()")
    assert len(jobs) == 2
