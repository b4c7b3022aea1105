"""A platform whose own triggers on courses fail, hang or skip the write."""

from collections.abc import Callable, Iterator

import pytest
from tenacity import stop_after_delay

from app.generation.callers import Caller
from app.generation.runs.cancel import cancel_course
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.services import Services
from tasks.stages import runner
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import rows
from tests.integration.tasks.conftest import MakeWorker, StartGeneration, status_of, work_until_final
from tests.integration.tasks.running import Connection, Redis, claim, run, slots_held

Hinder = Callable[[str, str], None]


@pytest.fixture
def hinder(conn: Connection) -> Iterator[Hinder]:
    """Has a trigger of the platform run the statement before a course gets the status."""

    def make(status: str, statement: str) -> None:
        conn.execute(
            f"create sequence hindered; grant usage on sequence hindered to public;"
            f" create function hinder() returns trigger language plpgsql security definer as $$ begin"
            f" if new.status = '{status}' then {statement} end if; return new; end $$;"
            f" create trigger hinder before update on courses for each row execute function hinder()".encode()
        )

    yield make
    conn.execute(
        "drop trigger if exists hinder on courses; drop function if exists hinder; drop sequence if exists hindered"
    )


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "53100"])
def test_a_failure_that_a_transient_error_kept_from_its_course_is_written_again(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    hinder: Hinder,
    code: str,
) -> None:
    generation_id = start_generation(make_course())
    hinder("failed", f"if nextval('hindered') = 1 then raise exception 'busy' using errcode = '{code}'; end if;")
    work_until_final(make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"}), conn, generation_id)
    assert status_of(conn, generation_id) == "failed"
    assert rows(conn, "select status from courses") == [{"status": "failed"}]


def test_a_cancellation_that_a_transient_error_kept_from_its_course_is_written_again(
    services: Services, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection, hinder: Hinder
) -> None:
    course = make_course()
    start_generation(course)
    hinder("cancelled", "if nextval('hindered') = 1 then raise exception 'busy' using errcode = '40P01'; end if;")
    cancel_course(services.db, services.slots, Caller(course.user_id, Tier.FREE), course.slug)
    assert rows(conn, "select status from courses") == [{"status": "cancelled"}]


def test_a_failure_is_final_where_the_course_can_not_be_written_in_time(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    redis_client: Redis,
    hinder: Hinder,
) -> None:
    generation_id = start_generation(make_course())
    hinder("failed", "raise exception 'canceling statement due to statement timeout' using errcode = '57014';")
    app = make_worker({Stage.STRUCTURE_ANALYSIS: "refuses"})
    run(app, claim(conn, generation_id))
    assert status_of(conn, generation_id) == "failed"
    assert slots_held(redis_client) == 0


@pytest.mark.parametrize(
    ("status", "stage"), [("analyzing_task", "STRUCTURE_ANALYSIS"), ("generating_structure", "STRUCTURE_GENERATION")]
)
def test_a_stage_that_can_not_begin_in_time_has_three_starts(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    hinder: Hinder,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    stage: str,
) -> None:
    monkeypatch.setattr(runner, "_stop_after_patience", stop_after_delay(0.1))
    generation_id = start_generation(make_course())
    hinder(status, "raise exception 'canceling statement due to statement timeout' using errcode = '57014';")
    work_until_final(make_worker(), conn, generation_id)
    assert status_of(conn, generation_id) == "failed"
    query = "select outcome::text from coursegen.attempts where stage::text = %s"
    assert [row["outcome"] for row in rows(conn, query, stage)] == ["failed"] * 3


def test_a_stage_whose_input_can_not_be_read_has_three_starts(
    make_worker: MakeWorker, start_generation: StartGeneration, make_course: MakeCourse, conn: Connection
) -> None:
    generation_id = start_generation(make_course())
    conn.execute("update coursegen.generations set stage = 'STRUCTURE_GENERATION'")
    depth = 3000  # more than Python's parser reads
    conn.execute("insert into coursegen.briefs values (%s, %s)", [generation_id, "[" * depth + "]" * depth])
    work_until_final(make_worker(), conn, generation_id)
    assert [row["outcome"] for row in rows(conn, "select outcome::text from coursegen.attempts")] == ["failed"] * 3


@pytest.mark.parametrize(("status", "ends"), [("analyzing_task", "failed"), ("completed", "failed")])
def test_a_write_that_the_platform_skips_is_no_success(
    make_worker: MakeWorker,
    start_generation: StartGeneration,
    make_course: MakeCourse,
    conn: Connection,
    hinder: Hinder,
    status: str,
    ends: str,
) -> None:
    generation_id = start_generation(make_course())
    hinder(status, "return null;")
    work_until_final(make_worker(), conn, generation_id)
    assert status_of(conn, generation_id) == ends
    assert rows(conn, "select status from courses") == [{"status": ends}]
