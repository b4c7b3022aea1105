"""Stages that fail, hang, die or are interrupted: tried again, or failed everywhere it must show."""

import os
import threading
from pathlib import Path

import pytest
from procrastinate.job_context import AbortReason

from app.generation.audit import Actor
from app.generation.stages import Stage
from app.operations.actions import retry
from app.services import Services
from app.settings import Settings
from pipeline.child.wire import MAX_ERROR, MAX_RESULT
from tasks.stages.runner import Runner
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work, work_until_final
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import Connection, Redis, claim, slots_held, waiting_stages


def test_a_stage_that_fails_once_is_tried_again(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "fails_once", Stage.STRUCTURE_GENERATION: "outline"})
    work_until_final(app, conn, generation_id)
    assert status_of(conn, generation_id) == "completed"
    attempts = rows(
        conn, "select outcome::text, fence from coursegen.attempts where stage = 'STRUCTURE_ANALYSIS' order by id"
    )
    assert attempts == [{"outcome": "failed", "fence": 1}, {"outcome": "completed", "fence": 2}]


@pytest.mark.parametrize(
    ("handler", "outcome", "error"),
    [
        ("fails", "failed", "ValueError: сломано"),
        ("dies", "died", "exit code"),
        ("returns_nonsense", "failed", "WrongResult"),
        ("returns_what_is_no_json", "failed", "not JSON serializable"),
        ("missing", "failed", "No handler at"),
        ("returns_what_can_not_be_stored", "failed", "UntranslatableCharacter"),
    ],
)
def test_a_stage_that_always_fails_has_three_starts_and_then_fails_everywhere_it_must_show(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    handler: str,
    outcome: str,
    error: str,
) -> None:
    generation_id = start_generation(make_course())
    work_until_final(make_worker({Stage.STRUCTURE_ANALYSIS: handler}), conn, generation_id)
    attempts = rows(conn, "select outcome::text, error from coursegen.attempts")
    assert [row["outcome"] for row in attempts] == [outcome] * 3
    assert all(error in row["error"] for row in attempts)

    [generation] = rows(conn, "select * from coursegen.generations")
    [course] = rows(conn, "select * from courses")
    step = course["generation_progress"]["steps"][1]
    message = "Не удалось проанализировать задачу курса"
    assert (generation["status"], generation["error_message"]) == ("failed", message)
    assert generation["finished_at"] is not None
    assert (course["status"], course["error_message"]) == ("failed", message)
    assert course["generation_completed_at"] == generation["finished_at"]
    assert step["completed_at"] is not None
    assert course["error_details"]["starts"] == 3
    assert (step["status"], step["error"], course["generation_progress"]["message"]) == ("failed", message, message)
    assert error not in str(course)  # that is for operators, not for the course's owner
    assert slots_held(redis_client) == 0
    assert waiting_stages(conn) == 0


def test_a_stage_that_can_not_succeed_fails_at_once_with_its_own_message(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    start_generation(make_course())
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"}))
    assert len(rows(conn, "select 1 from coursegen.attempts")) == 1
    assert rows(conn, "select status, error_message from courses") == [
        {"status": "failed", "error_message": "В документах нет текста"}
    ]


def test_a_message_without_end_is_cut(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    start_generation(make_course())
    work(make_worker({Stage.STRUCTURE_ANALYSIS: "refuses_at_length"}))
    [course] = rows(conn, "select status, error_message from courses")
    assert course["status"] == "failed"
    assert len(course["error_message"]) <= 1000


def test_a_stage_that_hangs_is_killed_at_its_timeout_with_an_event(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "hangs"}, stage_timeout_s=0.3)
    work_until_final(app, conn, generation_id)
    assert [row["outcome"] for row in rows(conn, "select outcome::text from coursegen.attempts")] == ["timeout"] * 3
    events = rows(conn, "select event_type::text, severity::text, job_id from system_metrics")
    assert events == [{"event_type": "worker_timeout", "severity": "error", "job_id": str(generation_id)}] * 3
    assert status_of(conn, generation_id) == "failed"
    assert not alive(int((files_root / "hanging").read_text()))


@pytest.mark.parametrize(
    ("handler", "limit", "error"),
    [
        ("hangs", {"total_s": 0.3}, "Not finished after 0.3 s"),
        ("hangs", {"silence_s": 0.5}, "No progress for 0.5 s"),
        ("spins", {"cpu_s": 1.0}, "Not finished after 1 s of processor time"),
    ],
)
def test_a_stage_has_limits_of_its_own(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    settings: Settings,
    handler: str,
    limit: dict[str, float | None],
    error: str,
) -> None:
    generation_id = start_generation(make_course())
    limits = {**settings.stage_limits, Stage.STRUCTURE_ANALYSIS: limit}
    work_until_final(make_worker({Stage.STRUCTURE_ANALYSIS: handler}, stage_limits=limits), conn, generation_id)
    attempts = rows(conn, "select distinct outcome::text, error from coursegen.attempts")
    assert attempts == [{"outcome": "timeout", "error": error}]


def test_a_result_that_is_too_large_fails_the_generation_at_once_with_a_sentence(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course(course_description=str(MAX_RESULT)))
    work_until_final(make_worker({Stage.FINALIZATION: "returns_much"}), conn, generation_id)
    assert len(rows(conn, "select 1 from coursegen.attempts where stage = 'FINALIZATION'")) == 1
    [course] = rows(conn, "select status, error_message from courses")
    message = "Результат этапа слишком большой: 64 МБ, можно не больше 64 МБ"
    assert course == {"status": "failed", "error_message": message}


def test_an_error_without_end_is_cut_in_the_attempt_and_in_the_log(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    capfd: pytest.CaptureFixture[str],
) -> None:
    generation_id = start_generation(make_course())
    work_until_final(make_worker({Stage.STRUCTURE_ANALYSIS: "raises_at_length"}), conn, generation_id)
    attempts = rows(conn, "select length(error) as length from coursegen.attempts")
    assert all(0 < row["length"] < MAX_ERROR + 100 for row in attempts)
    assert max(map(len, capfd.readouterr().out.splitlines())) < 50_000


def test_a_shutdown_hands_the_stage_back_without_counting_the_start(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    generation_id = start_generation(make_course())
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "hangs"})
    first = claim(conn, generation_id)
    reason: list[AbortReason] = []
    runner = Runner(app.services, app.children, first, lambda: reason[0] if reason else None, lambda: False)
    thread = threading.Thread(target=runner.run_stages)
    thread.start()
    wait_until((files_root / "hanging").exists)
    reason.append(AbortReason.SHUTDOWN)
    thread.join(10)
    assert [row["outcome"] for row in rows(conn, "select outcome::text from coursegen.attempts")] == ["shutdown"]
    [job] = rows(conn, "select * from procrastinate_jobs where queue_name = 'stages' and status = 'todo'")
    assert (job["args"]["fence"], job["priority"], job["scheduled_at"]) == (2, 2, None)
    assert status_of(conn, generation_id) == "running"
    wait_until(lambda: not alive(int((files_root / "hanging").read_text())))


def test_three_starts_that_ended_in_silence_fail_the_generation(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
) -> None:
    generation_id = start_generation(make_course())
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
        " select %s, 'STRUCTURE_ANALYSIS', 1, 1000 + n, 'gone' from generate_series(1, 3) n",
        [generation_id],
    )
    work(make_worker())
    assert status_of(conn, generation_id) == "failed"
    assert slots_held(redis_client) == 0


def test_a_job_run_again_under_its_own_row_does_not_count_as_a_silent_death(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    [job] = rows(conn, "select id from procrastinate_jobs")
    conn.execute(
        "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
        " select %s, 'STRUCTURE_ANALYSIS', 1, %s, 'me' from generate_series(1, 5)",
        [generation_id, job["id"]],
    )
    work(make_worker())
    assert status_of(conn, generation_id) == "completed"


def test_a_retry_shows_the_lessons_that_it_has_from_the_failed_generation(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    failed = start_generation(make_course())
    work(make_worker({Stage.STRUCTURE_GENERATION: "outline", Stage.FINALIZATION: "refuses"}))
    lessons = (
        "select generation_progress -> 'lessons_completed' as done, generation_progress -> 'lessons_total' as total"
        " from courses"
    )
    before = rows(conn, lessons)
    assert before == [{"done": 3, "total": 3}]
    retried = retry(services, failed, Actor("operator"))
    assert rows(conn, lessons) == before
    work(make_worker())
    assert status_of(conn, retried) == "completed"
    assert rows(conn, lessons) == before


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
