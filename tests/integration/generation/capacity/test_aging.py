"""Generations that wait long move up in the queue."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.capacity.aging import age, list_overtaken
from app.generation.tiers import Tier
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import Admit, rows
from tests.integration.operations.rows import Past, minutes

Conn = psycopg.Connection[DictRow]
SPAN_S = 600


@pytest.fixture
def spacious(make_services_with: Callable[..., Services]) -> Services:
    return make_services_with(limit=50)


def wait(conn: Conn, generation_id: UUID, minutes: float) -> None:
    """It has waited so long."""
    conn.execute(
        "update coursegen.generations set created_at = now() - make_interval(secs => %s) where id = %s",
        [60 * minutes, generation_id],
    )


def priorities(conn: Conn, generation_id: UUID) -> tuple[int, int]:
    """Those of the generation and of its job."""
    [row] = rows(
        conn,
        "select g.priority as own, j.priority as job from coursegen.generations g"
        " join procrastinate_jobs j on j.args ->> 'generation_id' = g.id::text where g.id = %s",
        generation_id,
    )
    return row["own"], row["job"]


@pytest.mark.parametrize(
    ("tier", "waited", "expected"),
    [
        (Tier.FREE, 9, 1),
        (Tier.FREE, 11, 3),
        (Tier.FREE, 21, 5),
        (Tier.FREE, 31, 10),
        (Tier.FREE, 6000, 10),
        (Tier.TRIAL, 11, 10),
        (Tier.PREMIUM, 100, 10),
    ],
)
def test_it_moves_up_a_tier_for_each_span_and_the_same_again_changes_nothing(
    spacious: Services, conn: Conn, make_course: MakeCourse, admit_course: Admit, tier: Tier, waited: int, expected: int
) -> None:
    generation_id = admit_course(spacious, make_course(), tier)
    wait(conn, generation_id, waited)
    is_raised = expected > priorities(conn, generation_id)[0]
    assert age(spacious.db, SPAN_S) == is_raised
    assert priorities(conn, generation_id) == (expected, expected)
    assert age(spacious.db, SPAN_S) == 0
    events = rows(conn, "select job_id, metadata -> 'to' as priority from coursegen.events")
    assert events == [{"job_id": str(generation_id), "priority": expected}] * is_raised


@pytest.fixture
def urgent_basic(conn: Conn) -> Iterator[None]:
    """The tier BASIC has the priority 4."""
    conn.execute("update coursegen.tiers set priority = 4 where tier = 'BASIC'")
    yield
    conn.execute("update coursegen.tiers set priority = 3 where tier = 'BASIC'")


@pytest.mark.usefixtures("urgent_basic")
def test_who_has_begun_or_is_fetched_just_now_stays_and_tiers_are_those_of_the_database(
    spacious: Services, conn: Conn, database_url: str, make_course: MakeCourse, admit_course: Admit
) -> None:
    begun, fetched, locked, waiting = (admit_course(spacious, make_course()) for _ in range(4))
    for generation_id in (begun, fetched, locked, waiting):
        wait(conn, generation_id, 15)
    conn.execute("update coursegen.generations set status = 'running', started_at = now() where id = %s", [begun])
    conn.execute("update procrastinate_jobs set status = 'doing' where queueing_lock = %s", [str(fetched)])
    with psycopg.connect(database_url) as other:
        other.execute("select from coursegen.generations where id = %s for update", [locked])
        assert age(spacious.db, SPAN_S) == 1
        other.rollback()
    assert {priorities(conn, each) for each in (begun, fetched, locked)} == {(1, 1)}
    assert priorities(conn, waiting) == (4, 4)
    assert age(spacious.db, SPAN_S) == 1


def test_a_priority_that_an_operator_set_stays(
    spacious: Services, conn: Conn, make_course: MakeCourse, admit_course: Admit
) -> None:
    generation_id = admit_course(spacious, make_course(), Tier.PREMIUM)
    conn.execute("select coursegen.set_priority_v1(%s, 2, 'cli:test', 'less urgent')", [generation_id])
    wait(conn, generation_id, 100)
    assert age(spacious.db, SPAN_S) == 0
    assert priorities(conn, generation_id) == (2, 2)


def test_the_queue_serves_who_has_moved_up_first(
    spacious: Services, conn: Conn, make_course: MakeCourse, admit_course: Admit
) -> None:
    waits = admit_course(spacious, make_course())
    newer = admit_course(spacious, make_course(), Tier.BASIC)
    order = "select queueing_lock as id from procrastinate_jobs where status = 'todo' order by priority desc, id"
    assert [row["id"] for row in rows(conn, order)] == [str(newer), str(waits)]
    wait(conn, waits, 15)
    age(spacious.db, SPAN_S)
    assert [row["id"] for row in rows(conn, order)] == [str(waits), str(newer)]


def test_it_is_off_by_default_and_an_operators_span_comes_first(
    spacious: Services, conn: Conn, make_course: MakeCourse, admit_course: Admit
) -> None:
    assert spacious.settings.priority_aging_s == 0
    generation_id = admit_course(spacious, make_course())
    wait(conn, generation_id, 15)
    assert age(spacious.db, 0) == 0
    conn.execute("insert into coursegen.controls (name, value, set_by) values ('aging', 0, 'test')")
    assert age(spacious.db, SPAN_S) == 0
    conn.execute("update coursegen.controls set value = 800")
    assert age(spacious.db, 0) == 1
    assert priorities(conn, generation_id) == (3, 3)


def test_whom_it_would_help_is_whom_a_later_one_has_overtaken(services: Services, conn: Conn) -> None:
    past, now = Past(conn), datetime.now(UTC)
    overtaken = past.generation(now - minutes(40), tier="BASIC", priority=3)
    later = past.generation(now - minutes(35))
    past.generation(now - minutes(10), tier="FREE", priority=1)  # not so long
    past.generation(now - minutes(50), tier="BASIC", priority=3, status="running", started_at=now)
    past.generation(now - minutes(34), now, "completed", tier="STANDARD", priority=5, started_at=now)
    past.generation(now - minutes(33), tier="BASIC", priority=3)  # nobody has overtaken it
    with services.db.connection() as read:
        found = list_overtaken(read)
    helped = [(row["generation_id"], row["tier"], row["aged_priority"], round(row["waited_s"] / 60)) for row in found]
    assert helped == [(overtaken, "BASIC", 10, 40), (later, "FREE", 5, 35)]
