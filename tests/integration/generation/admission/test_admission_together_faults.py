"""Orders of one moment when a lock, an error or a lost connection befalls one of them or all."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.database.deadline import deadline
from app.generation.admission.admit import Admissions
from app.generation.errors import AdmissionFailed, OutcomeUnknown
from tests.conftest import WaitUntil
from tests.integration.factories import MakeCourse
from tests.integration.generation.admission.conftest import Connection, MakeServices, Redis, Together, started
from tests.integration.generation.conftest import Admit, rows
from tests.integration.generation.proxy import Fault, proxied


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
                proxy.arm(b"admit_generations_v2", fault)
            return decide_batch(admissions, requests)

        monkeypatch.setattr(Admissions, "_decide_batch", arm)
        services = make_services_with(limit=100, database_url=proxy.url)
        courses = [make_course() for _ in range(4)]
        outcomes = admit_together(services, courses)
    assert all(isinstance(outcome, UUID) for outcome in outcomes)
    assert {course.id: 1 for course in courses}.items() <= started(conn).items()
    assert len(rows(conn, "select 1 from coursegen.generations")) == 5


def test_a_commit_without_an_answer_is_unknown_to_each_and_keeps_their_slots(
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
                proxy.arm(b"admit_generations_v2", Fault.CUT_AFTER, refuse_after=True)
            return decide_batch(admissions, requests)

        monkeypatch.setattr(Admissions, "_decide_batch", arm)
        services = make_services_with(limit=100, database_url=proxy.url)
        outcomes = admit_together(services, [make_course() for _ in range(3)], seconds=3)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3
    assert len(rows(conn, "select 1 from coursegen.generations")) == 4
    assert redis_client.zcard("concurrency:global") == 4


@pytest.mark.parametrize("word", [b"active_generation", b"admit_generations_v2"])
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
