"""Stages that an operator has paused: what runs goes on, nothing more starts, and nobody pays for the wait."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.generation.audit import Actor
from app.generation.runs.take_over import take_over
from app.generation.runs.verbs import PAUSED_MESSAGE
from app.generation.stages import Stage
from app.operations import controls
from app.operations.listings import STUCK_S, read_rows
from app.services import Services
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, working
from tests.integration.tasks.processes import wait_until
from tests.integration.tasks.running import Connection, outcomes

WHO = Actor("operator")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A paused stage is looked at soon again."""
    monkeypatch.setattr("app.generation.runs.verbs.FULL_S", 0.5)


def state_of(conn: Connection, generation_id: UUID) -> tuple[Any, ...]:
    query = "select status::text, stage::text, paused_why from coursegen.generations where id = %s"
    return tuple(rows(conn, query, generation_id)[0].values())


def assert_that_nobody_pays(services: Services, conn: Connection, course: Course) -> None:
    """After an hour, the generation is neither stuck nor taken over, and its course says that it waits."""
    conn.execute("update coursegen.generations set created_at = now() - interval '1 hour'")
    conn.execute("update courses set last_progress_update = now() - interval '1 hour'")
    conn.execute("update coursegen.attempts set started_at = now() - interval '1 hour'")
    query = "select is_stuck, progress from coursegen.poll_course_v2(null, %s, %s, true, 900, 20)"
    [polled] = rows(conn, query, course.id, course.user_id)
    assert not polled["is_stuck"]
    assert PAUSED_MESSAGE in polled["progress"]
    assert read_rows(services.db, "inspect_progress", stuck_s=STUCK_S)[0]["stuck"] == 0
    assert take_over(services.db, services.slots, stalled_s=20, timeouts_s=dict.fromkeys(Stage, 600)) == 0


def test_a_generation_waits_for_its_first_stage_and_goes_on_when_that_is_resumed(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
) -> None:
    controls.pause(services, controls.STAGES, WHO)
    app, course = make_worker(), make_course()
    with working(app, "stages"):
        generation_id = start_generation(course)
        wait_until(lambda: rows(conn, "select from coursegen.generations where fence > 1") != [])
        assert state_of(conn, generation_id) == ("queued", "STRUCTURE_ANALYSIS", None)
        assert outcomes(conn) == []
        assert_that_nobody_pays(services, conn, course)
        controls.resume(services, controls.STAGES, WHO)
        wait_until(lambda: status_of(conn, generation_id) == "completed")
    assert state_of(conn, generation_id) == ("completed", "FINALIZATION", None)
    assert outcomes(conn) == ["completed"] * 4


def test_a_running_stage_goes_on_and_the_paused_one_after_it_does_not_start(
    services: Services,
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    files_root: Path,
) -> None:
    outline = "tests.integration.tasks.paid_handlers.waits_with_an_outline"
    app, course = make_worker({Stage.STRUCTURE_GENERATION: outline}), make_course()
    with working(app, "stages"):
        generation_id = start_generation(course)
        wait_until((files_root / "hanging").exists)
        controls.pause(services, controls.stage_control(Stage.TEXT_GENERATION), WHO)
        controls.pause(services, controls.stage_control(Stage.STRUCTURE_GENERATION), WHO)  # which runs
        (files_root / "go").touch()
        wait_until(lambda: state_of(conn, generation_id) == ("running", "TEXT_GENERATION", "stage_paused"))
        assert outcomes(conn) == ["completed"] * 2
        assert_that_nobody_pays(services, conn, course)
        controls.resume(services, controls.STAGES, WHO)
        wait_until(lambda: status_of(conn, generation_id) == "completed")
    assert outcomes(conn) == ["completed"] * 4
    [audit, *_] = rows(conn, "select details from coursegen.audit where action = 'resume_stages'")
    assert audit["details"] == {"controls": ["stage:STRUCTURE_GENERATION", "stage:TEXT_GENERATION"]}


def test_a_generation_is_stuck_if_nobody_has_come_long_after_its_pause(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    start_generation(make_course())
    conn.execute("update courses set last_progress_update = now() - interval '1 hour'")
    conn.execute("update coursegen.generations set created_at = now() - interval '1 hour'")
    for status, why, ends_in_s, control, stuck in [
        ("running", "provider_busy", 60, None, 0),
        ("running", "provider_busy", -60, None, 0),
        ("running", "provider_busy", -3000, None, 1),
        ("running", "stage_full", -3000, None, 1),
        ("running", "stage_paused", -3000, None, 1),
        ("running", "stage_paused", -3000, "stages", 0),
        ("running", "provider_busy", -3000, "stage:STRUCTURE_ANALYSIS", 0),
        ("running", None, None, "stages", 1),  # a worker has, or had, it in hand
        ("queued", None, None, "stages", 0),
        ("queued", None, None, "stage:FINALIZATION", 1),
        ("queued", None, None, "admissions", 1),
    ]:
        conn.execute(
            "update coursegen.generations set status = %s, paused_why = %s,"
            " paused_until = now() + make_interval(secs => %s)",
            (status, why, ends_in_s),
        )
        conn.execute("delete from coursegen.controls")
        if control:
            controls.pause(services, control, WHO)
        case = (status, why, ends_in_s, control)
        assert (*case, read_rows(services.db, "inspect_progress", stuck_s=STUCK_S)[0]["stuck"]) == (*case, stuck)
        gauges = read_rows(services.db, "list_gauges", limit=3, queues=[], stalled=20, stuck_s=STUCK_S)
        values = {row["name"]: row["value"] for row in gauges if row["name"] == "stuck" or row["label"] == why}
        assert (*case, values) == (*case, {"stuck": stuck} | ({"paused_generations": 1} if why else {}))
