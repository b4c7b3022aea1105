"""A disk that is full under PostgreSQL: for its data, or for its log too, without which it does not run at all."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from stack.postgres import PostgresServer
from tests.faults.support.disks import Disk, small_disk
from tests.faults.support.house import House
from tests.faults.support.measure import ANSWER_S, READY_S, WORKERS_S, Measure
from tests.faults.support.waiting import SHIPPED, wait_until

pytestmark = pytest.mark.slow

FULL_S = 45.0 if SHIPPED else 4.0

#: What grows while a course is generated.
GROWING = (
    "coursegen.generations",
    "procrastinate_jobs",
    "procrastinate_events",
    "coursegen.attempts",
    "coursegen.drafts",
)
ROOM = "drop function refuse cascade"


def refuse(*tables: str) -> str:
    """From now on these tables refuse to grow, in the words of a server without room."""
    return """
        create function refuse() returns trigger language plpgsql as $$
        begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    """ + "".join(
        f"create trigger refuse before insert on {table} for each statement execute function refuse();"
        for table in tables
    )


def assert_lives_through(
    house: House, measure: Measure, fill: Callable[[], None], make_room: Callable[[], None]
) -> None:
    """Clean refusals while there is no room, nothing by halves; all that was admitted is completed once there is."""
    begun, courses = house.courses(4, doing="lasts 1"), house.courses(12)
    house.admit(begun)
    wait_until(lambda: house.rows("select 1 from coursegen.attempts where stage = 'TEXT_GENERATION'"))
    fill()
    full_until = time.monotonic() + FULL_S
    answers = house.generate_all(courses)
    measure.record("longest answer", max(seconds for _, seconds in answers))
    assert all(status in (200, 500, 503) and seconds < ANSWER_S for status, seconds in answers), answers
    assert any(status in (500, 503) for status, _ in answers)
    time.sleep(max(0.0, full_until - time.monotonic()))
    make_room()
    with measure("workers serve", within=WORKERS_S):
        with measure("API healthy again", within=READY_S):
            wait_until(house.healthy)
        wait_until(lambda: house.active() == 0)
    assert house.half_done() == []
    house.settle()
    assert set(house.statuses()) == {"completed"}
    admitted = 4 + sum(status == 200 for status, _ in answers)
    unknown = sum(status == 503 for status, _ in answers)
    assert admitted <= house.statuses()["completed"] <= admitted + unknown
    refused = "select 1 from system_metrics where event_type = 'job_rollback'"
    wait_until(lambda: len(house.rows(refused)) == sum(status == 500 for status, _ in answers))
    assert house.serves()


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[House, Disk]]:
    """A house whose PostgreSQL lives on a file system of its own."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(mebibytes=160))
        except (PermissionError, FileNotFoundError) as error:
            pytest.skip(f"no file system can be mounted ({error}); what the server says on a full one is proven anyway")
        settings = {"min_wal_size": "32MB", "max_wal_size": "64MB"}
        house = House(PostgresServer(disk.folder / "postgres", durable=True, settings=settings))
        stack.callback(house.stop)
        yield house.start(), disk


@pytest.mark.parametrize("log_too", [False, True], ids=["its data", "its log too"])
def test_a_full_disk_is_a_clean_refusal_and_all_goes_on_by_itself_once_there_is_room(
    small: tuple[House, Disk], measure: Measure, log_too: bool
) -> None:
    house, disk = small
    house.reset()

    def fill() -> None:
        disk.fill()
        if log_too:
            use_up_the_log(house)

    def make_room() -> None:
        disk.make_room()
        house.postgres.start()  # as its supervisor does, if it is down

    assert_lives_through(house, measure, fill, make_room)


def test_a_server_that_says_it_has_no_room_is_survived_in_the_same_way(house: House, measure: Measure) -> None:
    with ExitStack() as refusing:
        full = house.changed(refuse(*GROWING), ROOM)
        assert_lives_through(house, measure, lambda: refusing.enter_context(full), refusing.close)


def test_results_that_find_no_room_wait_for_it_and_no_start_counts_for_that(house: House) -> None:
    with house.changed(refuse("coursegen.drafts"), ROOM):
        house.admit(house.courses(2))
        wait_until(lambda: len(house.rows("select 1 from coursegen.attempts where stage = 'TEXT_GENERATION'")) == 2)
        time.sleep(FULL_S)
        assert house.active() == 2
    house.settle()
    assert house.statuses() == {"completed": 2}
    assert {row["outcome"] for row in house.rows("select outcome::text from coursegen.attempts")} == {"completed"}


def use_up_the_log(house: House) -> None:
    """The server has written what room was left in its log, and more."""
    with pytest.raises(psycopg.OperationalError), psycopg.connect(house.database_url, autocommit=True) as conn:
        for _ in range(100):
            conn.execute("select pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))")
