"""Several admissions of one moment, and what they wrote."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.database.deadline import deadline
from app.generation.slots.keeper import SlotKeeper
from app.services import Services
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse
from tests.integration.generation.conftest import Admit, rows

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
