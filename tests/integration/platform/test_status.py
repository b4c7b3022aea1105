"""The status of a generation on a platform's own column: the shortest way that its rules allow, and never fatal."""

from itertools import product

import pytest

from app.database.migrations import migrate
from app.database.platform.shipped_maps import STATUSES
from tests.integration.platform.conftest import MakePlatform
from tests.integration.platform.courses import (
    COURSE,
    admit,
    connect,
    nth_course,
    only,
    refusals,
    set_value,
    shown,
    value,
    write,
)

STAGE_1_VALUES = [
    None, "pending", "initializing", "processing_documents", "analyzing_task", "generating_structure",
    "generating_content", "finalizing", "completed", "failed", "cancelled",
]  # fmt: skip
NEWEST_VALUES = [
    None, "pending", *(f"stage_{n}_{at}" for n in (2, 4, 5) for at in ("init", "complete", "awaiting_approval")),
    "stage_2_processing", "stage_3_summarizing", "stage_4_analyzing", "stage_5_generating",
    "finalizing", "completed", "failed", "cancelled",
]  # fmt: skip
WAY = ["analyzing_task", "generating_structure", "generating_content", "finalizing", "completed"]
WAY_WITH_FILES = ["processing_documents", *WAY[1:]]
NEWEST = {
    "initializing": "stage_2_init",
    "processing_documents": "stage_2_processing",
    "analyzing_task": "stage_4_analyzing",
    "generating_structure": "stage_5_generating",
    "generating_content": "stage_5_generating",
}


WAYS = [WAY, WAY_WITH_FILES, [*WAY[:2], "failed"], ["cancelled"], ["generating_content", "finalizing"]]


@pytest.mark.parametrize(
    ("age", "values", "names"), [("stage1", STAGE_1_VALUES, {}), ("newest", NEWEST_VALUES, NEWEST)]
)
def test_a_generation_goes_from_every_status_to_every_end_without_a_refusal(
    make_platform: MakePlatform, age: str, values: list[str | None], names: dict[str, str]
) -> None:
    url = make_platform(age)
    migrate(url)
    with connect(url) as conn:
        for number, (before, way) in enumerate(product(values, WAYS), 1):
            course = nth_course(number)
            set_value(conn, course, before)
            admit(conn, course)
            for status in ["initializing", *way]:
                write(conn, course, status)
                assert value(conn, course) == names.get(status, status), (before, way)
            if way[-1] != "finalizing":
                assert shown(conn, course) == way[-1]
        assert refusals(conn) == 0


def test_a_platform_without_a_status_of_generations_shows_none(make_platform: MakePlatform) -> None:
    url = make_platform("before")
    migrate(url)
    with connect(url) as conn:
        before = only(conn, "select array_agg(status::text order by id) from courses")
        assert shown(conn, COURSE) is None
        admit(conn, COURSE)
        assert shown(conn, COURSE) == "initializing"
        for status in WAY:
            write(conn, COURSE, status)
        assert only(conn, "select array_agg(status::text order by id) from courses") == before
        assert refusals(conn) == 0
        assert only(conn, "select count(*) from coursegen.status_map where column_name is null") == len(STATUSES)


TRIGGERS = {
    "at once": "create trigger refuse before update of generation_status on courses",
    "at the commit": "create constraint trigger refuse after update on courses deferrable initially deferred",
}


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS)
def test_a_refused_status_is_counted_and_does_not_stop_the_start(make_platform: MakePlatform, trigger: str) -> None:
    url = make_platform("stage1")
    migrate(url)
    with connect(url) as conn:
        conn.execute(
            f"""
            create function refuse() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;
            {trigger} for each row when (new.generation_status = 'initializing') execute function refuse()
            """.encode()
        )
        set_value(conn, COURSE, "cancelled")
        generation = admit(conn, COURSE)
        assert value(conn, COURSE) == "cancelled"
        assert only(conn, "select generation_progress ->> 'percentage' from courses where id = %s", COURSE) == "20"
        refused = only(conn, "select metadata from coursegen.events")
        assert refused == {"status": "initializing", "old_value": "cancelled", "error": "not today"}
        # What the admission left is no cancellation by the platform.
        held = "select coursegen.holds_fence_v1(g, 1) from coursegen.generations g where id = %s"
        assert only(conn, held, generation) is True


def test_a_write_that_fails_without_the_status_too_fails_the_start(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    migrate(url)
    with connect(url) as conn:
        conn.execute("alter table courses add check (generation_progress ->> 'percentage' <> '20') not valid")
        with pytest.raises(Exception, match="violates check constraint"):
            admit(conn, COURSE)
        assert only(conn, "select count(*) from coursegen.generations") == 0


def test_a_trigger_that_skips_the_status_skips_nothing_else(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    migrate(url)
    with connect(url) as conn:
        conn.execute(
            """
            create function skip() returns trigger language plpgsql as $$ begin return null; end $$;
            create trigger skip before update of generation_status on courses for each row execute function skip()
            """
        )
        admit(conn, COURSE)
        assert only(conn, "select generation_progress ->> 'percentage' from courses where id = %s", COURSE) == "20"
        assert (value(conn, COURSE), refusals(conn)) == (None, 1)


def test_a_label_that_the_platform_adds_leaves_the_map_in_force(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    migrate(url)
    with connect(url) as conn:
        source = "select min(source) from coursegen.status_map"
        conn.execute("alter type generation_status add value 'paused'")
        migrate(url)
        assert only(conn, source) == "stage-1"
        conn.execute("alter type generation_status rename value 'finalizing' to 'polishing'")
        migrate(url)
        assert only(conn, source) == "unknown"
