"""The runner: stages run to the end, each by one run, and the slot comes back."""

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.errors import Superseded
from app.generation.queue import STAGE_TASKS, STAGES_QUEUE
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import Connection, Redis, claim, run, slots_held, waiting_stages

MARKDOWN = """# Основы

Вводный текст.

## Первая тема

Текст первой темы.

## Вторая тема

Текст второй темы.
"""
FILE = {"id": "1", "name": "notes.md", "path": "notes.md", "mime_type": "text/markdown", "size": 120}


def test_the_queues_tasks_are_the_workers(make_worker: MakeWorker) -> None:
    app = make_worker()
    tasks = {name: task.queue for name, task in app.tasks.items() if name.startswith("tasks.stages.")}
    assert tasks == dict.fromkeys(STAGE_TASKS.values(), STAGES_QUEUE)
    assert all(name.endswith(stage.value.lower()) for stage, name in STAGE_TASKS.items())
    assert app.periodic_registry.periodic_tasks  # without one the queue's own supervision is dead


def test_a_course_with_documents_goes_through_every_step_to_its_results(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    files_root: Path,
) -> None:
    (files_root / "notes.md").write_text(MARKDOWN, encoding="utf-8")
    generation_id = start_generation(make_course(files=[FILE]))
    assert slots_held(redis_client) == 1
    work(make_worker())

    [course] = rows(conn, "select * from courses")
    [generation] = rows(conn, "select * from coursegen.generations")
    progress = course["generation_progress"]
    assert (course["status"], progress["percentage"], progress["current_step"]) == ("completed", 100, 5)
    assert [step["status"] for step in progress["steps"]] == ["completed"] * 5
    assert all(step["started_at"] <= step["completed_at"] for step in progress["steps"])
    assert progress["message"] == "Курс успешно создан"
    assert progress["lessons_completed"] == progress["lessons_total"] > 0
    assert course["generation_completed_at"] is not None
    assert (generation["status"], generation["stage"]) == ("completed", "FINALIZATION")
    assert generation["created_at"] <= generation["started_at"] <= generation["finished_at"]
    assert slots_held(redis_client) == 0
    assert waiting_stages(conn) == 0

    attempts = rows(conn, "select stage::text, outcome::text, fence from coursegen.attempts order by id")
    stages = ["DOCUMENT_PROCESSING", "STRUCTURE_GENERATION", "TEXT_GENERATION", "FINALIZATION"]
    assert attempts == [{"stage": stage, "outcome": "completed", "fence": 1} for stage in stages]
    results = rows(
        conn, "select stage::text from coursegen.stage_results where generation_id = %s order by stage", generation_id
    )
    assert sorted(row["stage"] for row in results) == sorted(stages)
    [document] = rows(conn, "select * from coursegen.documents")
    assert "Текст первой темы." in document["body"]
    drafts = " ".join(row["body"] for row in rows(conn, "select body from coursegen.drafts"))
    assert "Текст первой темы." in drafts
    assert "Текст второй темы." in drafts
    [finished] = rows(conn, "select * from coursegen.finished_courses")
    assert finished["summary"]["lessons"] == progress["lessons_total"]


def test_a_course_without_documents_is_made_from_its_own_fields(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    outcomes = ["Читать карты", "Определять минералы"]
    start_generation(make_course(learning_outcomes=outcomes, course_description="О камнях."))
    work(make_worker())
    assert rows(conn, "select status from courses") == [{"status": "completed"}]
    [brief] = rows(conn, "select brief from coursegen.briefs")
    assert brief["brief"]["goals"] == outcomes
    assert len(rows(conn, "select 1 from coursegen.drafts")) >= 2


def test_a_handler_is_replaced_by_its_dotted_path(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    start_generation(make_course(title="Курс"))
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "plug_in", Stage.STRUCTURE_GENERATION: "outline"}))
    [brief] = rows(conn, "select brief from coursegen.briefs")
    assert (brief["brief"]["topic"], brief["brief"]["summary"]) == ("Курс!", "из плагина")
    assert [row["title"] for row in rows(conn, "select title from coursegen.lessons order by number")] == [
        "Урок 1",
        "Урок 2",
        "Урок 3",
    ]
    assert rows(conn, "select status from courses") == [{"status": "completed"}]


def test_lessons_are_counted_while_they_are_written(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker({Stage.STRUCTURE_GENERATION: "outline", Stage.TEXT_GENERATION: "slow_drafts"})
    worker = threading.Thread(target=work, args=(app,))
    worker.start()
    query = "select generation_progress as progress, status from courses"
    try:
        wait_until(lambda: rows(conn, query)[0]["progress"]["lessons_completed"] == 1)
        [course] = rows(conn, query)
        assert (course["progress"]["lessons_total"], course["status"]) == (3, "generating_content")
        assert course["progress"]["steps"][3]["status"] == "in_progress"
        assert course["progress"]["percentage"] == 70
    finally:
        (files_root / "go").touch()
        worker.join(30)
    assert status_of(conn, generation_id) == "completed"


def test_a_first_step_that_was_never_completed_is_recovered_with_an_event(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    conn.execute("select coursegen.write_course(id, '[{\"reset\": true}]') from courses")
    work(make_worker())
    [course] = rows(conn, "select * from courses")
    assert course["status"] == "completed"
    assert course["generation_progress"]["steps"][0]["status"] == "completed"
    assert course["generation_progress"]["metadata"]["recovered_by_worker"] is True
    [event] = rows(conn, "select * from system_metrics")
    assert (event["event_type"], event["severity"]) == ("orphaned_job_recovery", "warn")
    assert event["job_id"] == str(generation_id)


@pytest.mark.parametrize("progress", ["null", "'7'", "'[]'", "'\"text\"'", "'{\"steps\": [1, 2]}'"])
def test_progress_that_was_spoiled_is_rebuilt_and_the_generation_goes_on(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    progress: str,
) -> None:
    start_generation(make_course())
    conn.execute("update courses set generation_progress = " + progress)
    work(make_worker())
    assert rows(conn, "select status from courses") == [{"status": "completed"}]


def test_a_run_whose_fence_was_raised_writes_nothing(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    stale = claim(conn, generation_id)
    conn.execute("update coursegen.generations set fence = 2")
    before = (
        rows(conn, "select *, xmin::text from courses"),
        rows(conn, "select *, xmin::text from coursegen.generations"),
    )
    run(make_worker(), stale)
    assert (
        rows(conn, "select *, xmin::text from courses"),
        rows(conn, "select *, xmin::text from coursegen.generations"),
    ) == before
    assert rows(conn, "select 1 from coursegen.attempts") == []


def test_a_run_taken_over_while_it_ran_is_refused_by_the_fence(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker({Stage.STRUCTURE_GENERATION: "outline", Stage.TEXT_GENERATION: "slow_drafts"})
    for _ in range(2):
        run(app, claim(conn, generation_id))
    zombie = threading.Thread(target=run, args=(app, claim(conn, generation_id)))
    zombie.start()
    wait_until(lambda: rows(conn, "select 1 from coursegen.attempts where stage = 'TEXT_GENERATION'") != [])
    conn.execute("update coursegen.generations set fence = fence + 1")
    (files_root / "go").touch()
    zombie.join(30)
    assert rows(conn, "select 1 from coursegen.drafts") == []
    assert status_of(conn, generation_id) == "running"


def test_a_stage_that_is_done_is_not_done_again(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    app, first = make_worker({Stage.STRUCTURE_ANALYSIS: "plug_in"}), claim(conn, generation_id)
    run(app, first)
    run(app, first)
    assert len(rows(conn, "select 1 from coursegen.attempts")) == 1
    jobs = rows(conn, "select task_name from procrastinate_jobs where status = 'todo'")
    assert {job["task_name"] for job in jobs} >= {STAGE_TASKS[Stage.STRUCTURE_GENERATION]}


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_a_job_of_a_final_generation_stops_quietly_and_gives_the_slot_back(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    ending: str,
) -> None:
    generation_id = start_generation(make_course())
    conn.execute(
        "update coursegen.generations set status = %s, finished_at = now(), user_slot = null, system_slot = null",
        [ending],
    )
    work(make_worker())
    assert status_of(conn, generation_id) == ending
    assert slots_held(redis_client) == 0
    assert rows(conn, "select 1 from coursegen.attempts") == []


def test_a_job_of_a_deleted_course_stops_quietly_and_gives_the_slot_back(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start_generation(make_course())
    conn.execute("delete from courses")
    work(make_worker())
    assert slots_held(redis_client) == 0
    assert waiting_stages(conn) == 0


def test_a_waiting_job_is_unique_to_its_generation(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    [job] = rows(conn, "select queueing_lock from procrastinate_jobs")
    assert job["queueing_lock"] == str(generation_id)


def test_what_is_begun_goes_before_what_is_not_and_tiers_go_by_priority(
    make_worker: MakeWorker, make_services_with: Any, make_course: MakeCourse, conn: Connection
) -> None:
    services = make_services_with(limit=100)
    order = []
    tiers = [Tier.FREE, Tier.BASIC, Tier.STANDARD, Tier.TRIAL, Tier.PREMIUM]
    for tier in tiers * 2:
        course = make_course()
        caller = Caller(course.user_id, tier)
        admission = services.admissions.admit(caller, Order(course.id))
        order.append((admission.generation_id, tier))
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "plug_in", Stage.STRUCTURE_GENERATION: "outline"}))
    tier_of = dict(order)
    starts = [row["generation_id"] for row in rows(conn, "select generation_id from coursegen.attempts order by id")]
    finished = [row["id"] for row in rows(conn, "select id from coursegen.generations order by finished_at")]
    first_starts = list(dict.fromkeys(starts))
    expected = [Tier.PREMIUM] * 2 + [Tier.STANDARD, Tier.TRIAL] * 2 + [Tier.BASIC] * 2 + [Tier.FREE] * 2
    assert [tier_of[g] for g in first_starts] == expected
    # First come, first served within a tier, and each is finished before the next of its tier is begun.
    assert finished == first_starts
    for generation_id in first_starts:
        position = starts.index(generation_id)
        assert set(starts[position : position + 4]) == {generation_id}


def test_a_superseded_run_says_so() -> None:
    assert str(Superseded(UUID(int=1))).startswith("The generation is final")
