"""When a course counts as stuck."""

import psycopg
import pytest
from psycopg.rows import DictRow

from tests.integration.factories import MakeCourse
from tests.integration.http.conftest import CheckStatus, Generate

Conn = psycopg.Connection[DictRow]


def stand_still(conn: Conn, minutes: float, status: str = "running") -> None:
    """The generation was admitted two hours ago, and has made no progress for so many minutes."""
    conn.execute(
        "update coursegen.generations set created_at = now() - interval '2 hours',"
        " status = %s::text::coursegen.generation_status",
        [status],
    )
    conn.execute("update courses set last_progress_update = now() - make_interval(secs => %s)", [minutes * 60])


def test_fifteen_minutes_without_progress_are_stuck(
    check_status: CheckStatus, generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    for minutes, stuck in ((14.5, False), (15.5, True), (90, True)):
        stand_still(conn, minutes)
        body = check_status(course.slug, course.user_id).json
        assert body is not None
        assert body["isStuck"] is stuck, minutes
        assert bool(body["recoveryReason"]) is stuck
        assert body["suggestedStatus"] == ("failed" if stuck else body["currentGenerationStatus"])


def test_a_queued_generation_is_not_stuck(
    check_status: CheckStatus, generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    stand_still(conn, 90, "queued")
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert (body["isStuck"], body["suggestedStatus"], body["queuePosition"]) == (False, "initializing", 0)


def test_a_paused_generation_is_not_stuck(
    check_status: CheckStatus, generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    stand_still(conn, 90)
    conn.execute("update coursegen.generations set paused_until = now(), paused_why = 'provider'")
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert (body["isStuck"], body["recoveryReason"]) == (False, "")


def test_a_generation_that_has_just_begun_is_not_stuck_for_what_was_before(
    check_status: CheckStatus, generate: Generate, make_course: MakeCourse, conn: Conn
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    conn.execute("update coursegen.generations set status = 'running'")
    conn.execute("update courses set last_progress_update = now() - interval '3 days'")
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert body["isStuck"] is False


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_what_is_over_is_not_stuck(
    check_status: CheckStatus, generate: Generate, make_course: MakeCourse, conn: Conn, status: str
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    stand_still(conn, 90)
    conn.execute(
        "update coursegen.generations set status = %s::text::coursegen.generation_status, finished_at ="
        " now(), user_slot = null, system_slot = null",
        [status],
    )
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert (body["isStuck"], body["recoveryReason"]) == (False, "")


def test_a_course_never_generated_is_not_stuck(check_status: CheckStatus, make_course: MakeCourse) -> None:
    course = make_course(status="generating_content")
    body = check_status(course.slug, course.user_id).json
    assert body is not None
    assert (body["isStuck"], body["suggestedStatus"]) == (False, "generating_content")
