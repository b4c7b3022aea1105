"""The dynamic limit on real rows: what moves it, what it leaves alone, and that it holds under a storm."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count, cycle

import psycopg
import pytest
from psycopg.rows import DictRow

from app.generation.capacity.dynamic_limit import move_limit
from app.generation.errors import SystemFull
from app.services import Services
from app.settings import Settings
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse, MakeToken, add_process, add_worker
from tests.integration.generation.conftest import Admit, rows
from tests.integration.serving import StartServer

Conn = psycopg.Connection[DictRow]
LOWEST, HIGHEST, STALLED_S = 2, 6, 20.0


@pytest.fixture
def dynamic(make_services_with: Callable[..., Services], conn: Conn, settings: Settings) -> Services:
    """Services with a dynamic limit, a worker with places, and a limit that has started."""
    add_worker(conn, "stages")
    add_process(conn, "host:1", "worker", settings, places=4, cpu_pressure=0.1, memory=(5, 10))
    services = make_services_with(limit=None)
    assert move(services) == LOWEST
    return services


def move(services: Services) -> int | None:
    return move_limit(services.db, LOWEST, HIGHEST, STALLED_S)


def rest(conn: Conn, seconds: int = 90) -> None:
    """So much time passes since the last move."""
    conn.execute(
        "update coursegen.dynamic_limit set changed_at = changed_at - make_interval(secs => %(s)s),"
        " lowered_at = lowered_at - make_interval(secs => %(s)s)",
        {"s": seconds},
    )


def moves(conn: Conn) -> list[tuple[int | None, int, str]]:
    query = "select metadata from coursegen.events where event_type = 'limit_changed' order by \"timestamp\""
    return [(event["from"], event["limit"], event["reason"]) for [event] in map(dict.values, rows(conn, query))]


def test_refusals_raise_it_and_pressure_lowers_it_and_nothing_that_runs_is_interrupted(
    dynamic: Services, conn: Conn, make_course: MakeCourse, admit_course: Admit
) -> None:
    for _ in range(2):
        admit_course(dynamic, make_course())
    with pytest.raises(SystemFull) as refused:
        admit_course(dynamic, make_course())
    assert (refused.value.system_limit, refused.value.system_active) == (2, 2)
    assert dynamic.events.flush()
    assert move(dynamic) is None  # it started just now
    rest(conn)
    assert move(dynamic) == 3
    assert move(dynamic) is None
    admit_course(dynamic, make_course())

    conn.execute("update coursegen.processes set cpu_pressure = 0.95")
    rest(conn)
    assert move(dynamic) == 2
    assert rows(conn, "select count(*) as n from coursegen.generations where status = 'queued'") == [{"n": 3}]
    with pytest.raises(SystemFull):
        admit_course(dynamic, make_course())

    conn.execute("update coursegen.processes set cpu_pressure = 0.1")
    assert dynamic.events.flush()
    rest(conn, 30)
    assert move(dynamic) is None  # the pressure may come back
    rest(conn, 31)
    assert move(dynamic) == 3
    assert moves(conn) == [(None, 2, "bounds"), (2, 3, "demand"), (3, 2, "processor"), (2, 3, "demand")]
    [last] = rows(conn, 'select metadata from coursegen.events order by "timestamp" desc limit 1')
    assert last["metadata"].items() >= {"active": 3, "refused": 2, "waiting": 0, "busy": 0, "places": 4}.items()


def test_a_user_at_his_own_limit_is_no_demand(
    dynamic: Services, conn: Conn, make_course: MakeCourse, admit_course: Admit
) -> None:
    course = make_course()
    admit_course(dynamic, course)
    with suppress(Exception):
        admit_course(dynamic, make_course(user_id=course.user_id))
    admit_course(dynamic, make_course())
    assert dynamic.events.flush()
    assert rows(conn, "select metadata ->> 'limit' as kind from system_metrics") == [{"kind": "user"}]
    rest(conn)
    assert move(dynamic) is None


def test_a_provider_that_asks_to_wait_and_lost_workers_lower_it(
    dynamic: Services, conn: Conn, admit_course: Admit, make_course: MakeCourse
) -> None:
    conn.execute("update coursegen.dynamic_limit set value = 4")
    admit_course(dynamic, make_course())
    conn.execute(
        "update coursegen.generations set status = 'running', started_at = now(), paused_why = 'provider_busy',"
        " paused_until = now() + interval '1 minute'"
    )
    rest(conn)
    assert move(dynamic) == 3
    conn.execute("update coursegen.dynamic_limit set value = 4")
    conn.execute("update coursegen.workers set last_heartbeat = now() - interval '1 hour'")
    assert move(dynamic) == 2  # without a rest
    assert [reason for _, _, reason in moves(conn)] == ["bounds", "providers", "places"]


def test_an_operators_limit_holds_while_it_exists(dynamic: Services, conn: Conn) -> None:
    conn.execute("insert into coursegen.controls (name, value, set_by) values ('limit', 5, 'test')")
    conn.execute("update coursegen.dynamic_limit set value = 6")
    in_force = "select coursegen.limit_in_force_v1(null) as n"
    assert (move(dynamic), rows(conn, in_force)) == (None, [{"n": 5}])
    conn.execute("delete from coursegen.controls")
    assert rows(conn, in_force) == [{"n": 6}]
    assert (move(dynamic), rows(conn, in_force)) == (4, [{"n": 4}])
    assert rows(conn, "select coursegen.limit_in_force_v1(9) as n") == [{"n": 9}]  # a fixed one


def test_of_several_at_once_one_moves_it(dynamic: Services, conn: Conn) -> None:
    conn.execute("update coursegen.dynamic_limit set value = 6")
    started = threading.Barrier(6)

    def move_together(_: int) -> int | None:
        started.wait(10)
        return move(dynamic)

    with ThreadPoolExecutor(6) as pool:
        moved = list(pool.map(move_together, range(6)))
    assert sorted(moved, key=str) == [4, *[None] * 5]
    assert len(moves(conn)) == 2


@pytest.fixture
def watched(conn: Conn) -> Iterator[None]:
    """As each admission commits, `watched_admissions` gets the limit in force and how many generations hold a slot."""
    conn.execute(
        """
        create table public.watched_admissions (in_force int, held int);
        create function public.watch_admission() returns trigger language plpgsql security definer as $$
        begin
            perform pg_advisory_xact_lock(1);  -- what was admitted before has committed
            insert into public.watched_admissions
            select coursegen.limit_in_force_v1(null), count(*) from coursegen.generations where system_slot is not null;
            return null;
        end $$;
        create constraint trigger watch_admission after insert on coursegen.generations
        deferrable initially deferred for each row execute function public.watch_admission();
        """
    )
    yield
    conn.execute(
        "drop trigger watch_admission on coursegen.generations;"
        " drop function public.watch_admission; drop table public.watched_admissions"
    )


@pytest.mark.usefixtures("watched")
def test_under_a_storm_no_more_run_than_the_limit_in_force_at_their_admission(
    conn: Conn, make_course: MakeCourse, token: MakeToken, start_server: StartServer, wait_until: WaitUntil
) -> None:
    server = start_server(
        GLOBAL_CONCURRENCY_LIMIT="auto", GLOBAL_CONCURRENCY_LIMIT_MIN="2", API_PROCESSES="2", METRICS_TOKEN=None
    )
    wait_until(lambda: server.status("/readyz") == 200)
    courses = [make_course() for _ in range(40)]
    statuses: dict[int, int] = {}
    ended, numbers, lock = threading.Event(), count(), threading.Lock()

    def ask(path: str, course: Course, body: bytes) -> int:
        headers = [("Authorization", f"Bearer {token(course.user_id)}"), ("Content-Type", "application/json")]
        return server.ask("POST", path, body, headers)[0]

    def start_and_cancel(share: list[Course]) -> None:
        """Of the started ones each second is cancelled at once, and the others later."""
        for course in cycle(share):
            if ended.is_set():
                return
            status = ask("/api/coursegen/generate", course, b'{"courseId": "%s"}' % str(course.id).encode())
            with lock:
                statuses[status] = statuses.get(status, 0) + 1
                is_cancelled = status in (200, 409) and next(numbers) % 2
            if is_cancelled:
                ask(f"/api/courses/{course.slug}/cancel", course, b"")

    lowered = 0
    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(start_and_cancel, courses[number::8]) for number in range(8)]
        try:
            end = time.monotonic() + 3
            for before, after in cycle([(2, 3), (3, 4), (4, 5), (5, 6), (6, 5), (5, 4), (4, 3), (3, 2)]):
                if time.monotonic() > end:
                    break
                with suppress(psycopg.errors.LockNotAvailable):
                    conn.execute("select coursegen.move_limit_v1(%s, %s, 'test', '{}')", [before, after])
                [row] = rows(conn, "select count(*) as n from coursegen.generations where system_slot is not null")
                lowered += row["n"] > after
        finally:
            ended.set()
    for client in clients:
        client.result()
    assert statuses.keys() <= {200, 409, 429}, statuses
    assert min(statuses.get(200, 0), statuses.get(429, 0), lowered) >= 5, (statuses, lowered)
    watched = rows(
        conn, "select count(*) as n, count(*) filter (where held > in_force) as beyond from watched_admissions"
    )
    assert watched == [{"n": statuses[200], "beyond": 0}]
    assert len(rows(conn, "select distinct in_force from watched_admissions")) >= 3
