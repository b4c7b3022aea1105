"""Orders of one moment: they go together, and what befalls one of them is its own affair."""

from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from app.generation.errors import CourseNotFound, Forbidden, GenerationActive, SystemFull, UserFull
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.admission.conftest import (
    Connection,
    MakeServices,
    Redis,
    Together,
    started,
    transactions,
)
from tests.integration.generation.conftest import Admit, rows
from tests.integration.generation.proxy import proxied


def test_orders_of_one_moment_are_one_transaction_and_three_round_trips(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_course: Admit,
    admit_together: Together,
    database_url: str,
    redis_url: str,
) -> None:
    with proxied(database_url) as database, proxied(redis_url) as redis_proxy:
        services = make_services_with(limit=100, database_url=database.url, redis_url=redis_proxy.url, pool_size=1)
        for _ in range(8):  # until its connections are open, statements prepared, the script loaded
            admit_course(services, make_course())
        before = database.turns, redis_proxy.turns
        ids = admit_together(services, [make_course() for _ in range(5)])
        # The one that went before them cost the same.
        assert (database.turns - before[0], redis_proxy.turns - before[1]) == (2 * 2, 2 * 1)
    assert len(transactions(conn, ids)) == 1
    numbers = rows(conn, "select system_slot from coursegen.generations order by system_slot")
    assert [row["system_slot"] for row in numbers] == list(range(1, 8 + 1 + 5 + 1))


def test_each_has_its_own_first_stage_and_its_own_count_of_slots(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_together: Together
) -> None:
    services = make_services_with(limit=100)
    files = [{"id": "1", "name": "a.md", "path": "a.md", "mime_type": "text/markdown", "size": 1}]
    with_files, without = make_course(files=files), make_course()
    admit_together(services, [with_files, without])
    found = rows(
        conn,
        "select course_id, stage::text, task_name from coursegen.generations g join procrastinate_jobs j"
        " on j.queueing_lock = g.id::text",
    )
    stages = {row["course_id"]: (row["stage"], row["task_name"]) for row in found}
    assert stages[with_files.id] == ("DOCUMENT_PROCESSING", "tasks.stages.document_processing")
    assert stages[without.id] == ("STRUCTURE_ANALYSIS", "tasks.stages.structure_analysis")


def test_refusals_among_them_are_their_own(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    admit_together: Together,
) -> None:
    services = make_services_with(limit=100)
    user = uuid4()
    full = make_course(user_id=user)
    active = make_course(user_id=user)
    running = admit_course(services, active)
    good, strangers, gone = make_course(), make_course(), Course(uuid4(), "gone", uuid4())
    outcomes = admit_together(services, [good, strangers, gone, active, full], None, uuid4(), None, None, None)
    assert [type(outcome) for outcome in outcomes[1:]] == [Forbidden, CourseNotFound, GenerationActive, UserFull]
    assert outcomes[3].generation_id == running
    assert started(conn)[good.id] == 1
    assert strangers.id not in started(conn)
    assert redis_client.zcard("concurrency:global") == 3  # the running one, the one before them, the good one


def test_of_two_orders_for_one_course_in_one_batch_one_is_admitted_and_the_other_gets_its_id(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    admit_together: Together,
) -> None:
    services = make_services_with(limit=100)
    course, other = make_course(), make_course()
    outcomes = admit_together(services, [course, other, course])
    ids = [outcome for outcome in outcomes if isinstance(outcome, UUID)]
    refused = [outcome for outcome in outcomes if not isinstance(outcome, UUID)]
    assert len(ids) == 2
    [error] = refused
    assert isinstance(error, GenerationActive | UserFull)
    assert started(conn)[course.id] == 1
    assert redis_client.zcard("concurrency:global") == 3


def test_the_last_slot_goes_to_one_of_them(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_together: Together
) -> None:
    services = make_services_with(limit=2)
    outcomes = admit_together(services, [make_course() for _ in range(4)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["SystemFull"] * 3 + ["UUID"]
    assert all(outcome.system_active == 2 for outcome in outcomes if isinstance(outcome, SystemFull))


def test_numbers_proposed_twice_are_corrected_for_their_holders(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_course: Admit,
    admit_together: Together,
) -> None:
    services = make_services_with(limit=100)
    admit_course(services, make_course())
    redis_client.zadd(
        "concurrency:global:numbers", {str(rows(conn, "select id from coursegen.generations")[0]["id"]): 90}
    )
    outcomes = admit_together(services, [make_course() for _ in range(3)])  # one of four is offered number 1
    assert all(isinstance(outcome, UUID) for outcome in outcomes)
    numbers = [row["system_slot"] for row in rows(conn, "select system_slot from coursegen.generations")]
    assert len(numbers) == len(set(numbers)) == 5


def test_without_redis_the_statement_picks_the_slots_of_all(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_together: Together
) -> None:
    services = make_services_with(limit=5, with_redis=False)
    ids = admit_together(services, [make_course() for _ in range(4)])
    assert len(transactions(conn, ids)) == 1
    numbers = rows(conn, "select system_slot from coursegen.generations order by system_slot")
    assert [row["system_slot"] for row in numbers] == [1, 2, 3, 4, 5]


def test_malformed_files_of_one_are_logged_once(
    make_services_with: MakeServices,
    make_course: MakeCourse,
    admit_together: Together,
    caplog: pytest.LogCaptureFixture,
) -> None:
    services = make_services_with(limit=100)
    admit_together(services, [make_course(), make_course(generation_progress=Jsonb({"files": "a.md"}))])
    assert caplog.messages.count("files_malformed") == 1
