"""Orders of one moment: they go together, and what befalls one of them is its own affair."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.deadline import deadline
from app.generation.admission.admit import Admissions
from app.generation.errors import (
    AdmissionFailed,
    CourseNotFound,
    Forbidden,
    GenerationActive,
    OutcomeUnknown,
    SystemFull,
    UserFull,
)
from app.generation.slots.keeper import SlotKeeper
from app.services import Services
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import Admit, rows
from tests.integration.generation.proxy import Fault, proxied

Connection = psycopg.Connection[DictRow]
Redis = redis.Redis
MakeServices = Callable[..., Services]
Together = Callable[..., list[Any]]


@pytest.fixture
def admit_together(
    make_course: MakeCourse, admit_course: Admit, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> Together:
    """What becomes of orders that wait while another is decided: each the generation's id, or what was raised."""

    def admit(services: Services, courses: Sequence[Course], *users: UUID | None, seconds: float = 20) -> list[Any]:
        entered, may_go = threading.Event(), threading.Event()
        take_all = SlotKeeper.take_all

        def hold_the_first(keeper: SlotKeeper, *args: Any) -> Any:
            if not entered.is_set():
                entered.set()
                assert may_go.wait(20)
            return take_all(keeper, *args)

        monkeypatch.setattr(SlotKeeper, "take_all", hold_the_first)
        callers = [*users, *[None] * (len(courses) - len(users))]

        def ask(course: Course, user_id: UUID | None) -> UUID:
            with deadline(seconds):
                return admit_course(services, course, user_id=user_id)

        with ThreadPoolExecutor(len(courses) + 1) as pool:
            first = pool.submit(admit_course, services, make_course())
            assert entered.wait(20)
            futures: list[Future[UUID]] = []
            for position, (course, user_id) in enumerate(zip(courses, callers, strict=True), start=1):
                futures.append(pool.submit(ask, course, user_id))
                wait_until(lambda count=position: services.admissions.batches.waiting == count)  # type: ignore[misc]
            may_go.set()
            first.result()
            return [future.exception() or future.result() for future in futures]

    return admit


def transactions(conn: Connection, ids: Sequence[UUID]) -> set[str]:
    """Those that wrote these generations, their jobs and their courses."""
    found = conn.execute(
        "select xmin::text from coursegen.generations where id = any(%(ids)s)"
        " union all select xmin::text from procrastinate_jobs where queueing_lock = any(%(ids)s::text[])"
        " union all select c.xmin::text from courses c join coursegen.generations g on g.course_id = c.id"
        " where g.id = any(%(ids)s)",
        {"ids": list(ids)},
    ).fetchall()
    assert len(found) == 3 * len(ids)
    return {row["xmin"] for row in found}


def started(conn: Connection) -> dict[UUID, int]:
    """The courses of active generations, and how many jobs each has."""
    found = rows(
        conn,
        "select g.course_id, (select count(*) from procrastinate_jobs where queueing_lock = g.id::text) as jobs"
        " from coursegen.generations g join courses c on c.id = g.course_id and c.status = 'initializing'",
    )
    return {row["course_id"]: row["jobs"] for row in found}


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


def test_of_two_orders_for_one_course_in_one_batch_one_is_admitted_and_the_other_told_of_it(
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


def test_a_locked_course_keeps_no_other_waiting(
    make_services_with: MakeServices,
    conn: Connection,
    database_url: str,
    make_course: MakeCourse,
    admit_together: Together,
    wait_until: WaitUntil,
    caplog: pytest.LogCaptureFixture,
) -> None:
    services = make_services_with(limit=100)
    locked, others = make_course(), [make_course() for _ in range(3)]
    with psycopg.connect(database_url) as lms, ThreadPoolExecutor(1) as pool:
        lms.execute("select 1 from courses where id = %s for update", [locked.id])
        future = pool.submit(admit_together, services, [locked, *others])
        wait_until(lambda: {course.id for course in others} <= started(conn).keys())
        assert locked.id not in started(conn)
        lms.commit()
        outcomes = future.result(20)
    assert all(isinstance(outcome, UUID) for outcome in outcomes)
    assert started(conn)[locked.id] == 1
    assert "transaction_retry" not in caplog.messages  # nobody's wait for a lock ran out


def test_a_course_locked_for_too_long_fails_alone_and_leaves_nothing(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    database_url: str,
    make_course: MakeCourse,
    admit_together: Together,
) -> None:
    services = make_services_with(limit=100)
    locked, other = make_course(), make_course()
    with psycopg.connect(database_url) as lms:
        lms.execute("select 1 from courses where id = %s for update", [locked.id])
        outcomes = admit_together(services, [locked, other], seconds=4.5)
    assert isinstance(outcomes[0], AdmissionFailed)
    assert isinstance(outcomes[1], UUID)
    assert started(conn).keys() >= {other.id}
    assert locked.id not in started(conn)
    assert redis_client.zcard("concurrency:global") == 2


def test_a_course_the_database_chokes_on_fails_alone(
    make_services_with: MakeServices, conn: Connection, make_course: MakeCourse, admit_together: Together
) -> None:
    services = make_services_with(limit=100)
    choking, others = make_course(title="choking"), [make_course() for _ in range(3)]
    conn.execute(
        "create or replace function choke() returns trigger language plpgsql as $$"
        " begin if new.title = 'choking' then raise exception 'x' using errcode = '22023'; end if; return new; end $$;"
        " create trigger choke before update on courses for each row execute function choke()"
    )
    try:
        outcomes = admit_together(services, [others[0], choking, *others[1:]])
    finally:
        conn.execute("drop trigger choke on courses; drop function choke")
    assert isinstance(outcomes.pop(1), AdmissionFailed)
    assert all(isinstance(outcome, UUID) for outcome in outcomes)
    assert {course.id for course in others} <= started(conn).keys()
    assert choking.id not in started(conn)


def test_numbers_proposed_twice_are_put_right_for_who_has_them(
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


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_connection_lost_on_the_way_admits_each_exactly_once(
    make_services_with: MakeServices,
    conn: Connection,
    make_course: MakeCourse,
    admit_together: Together,
    database_url: str,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with proxied(database_url) as proxy:
        decide_batch = Admissions._decide_batch

        def arm(admissions: Admissions, requests: Any) -> Any:
            if len(requests) > 1:
                proxy.arm(b"admit_generations_v1", fault)
            return decide_batch(admissions, requests)

        monkeypatch.setattr(Admissions, "_decide_batch", arm)
        services = make_services_with(limit=100, database_url=proxy.url)
        courses = [make_course() for _ in range(4)]
        outcomes = admit_together(services, courses)
    assert all(isinstance(outcome, UUID) for outcome in outcomes)
    assert {course.id: 1 for course in courses}.items() <= started(conn).items()
    assert len(rows(conn, "select 1 from coursegen.generations")) == 5


def test_a_commit_nobody_heard_of_is_told_as_unknown_to_each_and_keeps_their_slots(
    make_services_with: MakeServices,
    conn: Connection,
    redis_client: Redis,
    make_course: MakeCourse,
    admit_together: Together,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with proxied(database_url) as proxy:
        decide_batch = Admissions._decide_batch

        def arm(admissions: Admissions, requests: Any) -> Any:
            if len(requests) > 1:
                proxy.arm(b"admit_generations_v1", Fault.CUT_AFTER, refuse_after=True)
            return decide_batch(admissions, requests)

        monkeypatch.setattr(Admissions, "_decide_batch", arm)
        services = make_services_with(limit=100, database_url=proxy.url)
        outcomes = admit_together(services, [make_course() for _ in range(3)], seconds=3)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3
    assert len(rows(conn, "select 1 from coursegen.generations")) == 4
    assert redis_client.zcard("concurrency:global") == 4


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


@pytest.mark.parametrize("word", [b"jsonb_array_elements_text", b"admit_generations_v1"])
def test_each_is_answered_within_its_own_deadline_while_the_database_hangs(
    make_services_with: MakeServices,
    make_course: MakeCourse,
    admit_course: Admit,
    database_url: str,
    word: bytes,
) -> None:
    with proxied(database_url) as proxy:
        services = make_services_with(limit=100, database_url=proxy.url)
        admit_course(services, make_course())
        courses = [make_course() for _ in range(8)]
        proxy.arm(word, Fault.FREEZE, times=100)

        def ask(position: int) -> tuple[float, Any]:
            time.sleep(0.15 * position)  # so that some come while others have waited for a while
            began = time.monotonic()
            try:
                with deadline(1.5):
                    admit_course(services, courses[position])
            except (psycopg.OperationalError, AdmissionFailed, OutcomeUnknown) as error:
                return time.monotonic() - began, type(error)
            return time.monotonic() - began, None

        with ThreadPoolExecutor(len(courses)) as pool:
            answers = list(pool.map(ask, range(len(courses))))
    assert all(error is not None for _, error in answers), answers
    assert max(seconds for seconds, _ in answers) < 2.0, answers
