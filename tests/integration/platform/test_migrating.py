"""Into the platform's database and out again, in every age, by every kind of owner."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.migration_session import MigrationError
from app.database.migrations import migrate, missing
from app.database.rollback import rollback
from tests.integration.platform.conftest import AGES, OWNERS, PASSWORD, MakePlatform, dump, login
from tests.integration.platform.courses import (
    COURSE,
    admit,
    cancel_as_user,
    connect,
    only,
    refusals,
    shown,
    value,
    write,
)

WAY = ["analyzing_task", "generating_structure", "generating_content", "finalizing", "completed"]
#: Kills of a migration, spread over its length.
KILLS = 20


def lacks(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return missing(conn)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("age", AGES)
def test_the_database_is_as_before_rows_included(make_platform: MakePlatform, age: str, owner: str) -> None:
    url = make_platform(age, owner)
    before = dump(url)
    assert migrate(url) != []
    assert migrate(url) == []
    rollback(url)
    assert dump(url) == before
    migrate(url)
    assert lacks(url) == []


@pytest.mark.parametrize("age", [age for age in AGES if age != "empty"])
def test_a_member_of_the_role_generates_a_course_under_row_level_security(
    make_platform: MakePlatform, platform_server: str, age: str
) -> None:
    url = make_platform(age)
    theirs = (
        [] if age == "before" else ["insert into system_metrics (event_type, severity) values ('job_rollback', 'info')"]
    )
    with connect(url) as conn:
        for statement in theirs:
            conn.execute(statement.encode())
    before = dump(url, without_rows_of=["courses", "generation_status_history"])
    migrate(url)
    with psycopg.connect(platform_server, autocommit=True) as admin:
        admin.execute(f"create role member_{age} login password '{PASSWORD}' in role coursegen_app".encode())
        try:
            with connect(login(url, f"member_{age}")) as conn:
                for _ in range(2):
                    admit(conn, COURSE)
                    for status in WAY:
                        conn.execute("select coursegen.write_course(%s, '[]', %s)", [COURSE, status])
                    conn.execute("select coursegen.end_generation(id, 'completed', '[]') from coursegen.generations")
                    assert shown(conn, COURSE) == "completed"
                assert refusals(conn) == 0
                conn.execute("select coursegen.insert_events_v1(%s)", [Jsonb([event(), event(course_id=str(uuid4()))])])
                conn.execute(
                    "select coursegen.record_event(g, 'worker_timeout', 'error') from coursegen.generations g limit 1"
                )
                assert only(conn, "select count(*) from system_metrics") == 3 + len(theirs)
        finally:
            admin.execute(f"drop role member_{age}".encode())
    rollback(url)
    assert dump(url, without_rows_of=["courses", "generation_status_history"]) == before


def test_a_rollback_leaves_no_course_hanging(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    migrate(url)
    with connect(url) as conn:
        admit(conn, COURSE)
        with pytest.raises(MigrationError, match="generations cancel --all"):
            rollback(url)
        assert shown(conn, COURSE) == "initializing"
        conn.execute("select coursegen.cancel_generation_v1(%s, 'Отменено', 'me')", [COURSE])
        rollback(url)
        assert value(conn, COURSE) == "cancelled"


def event(**fields: str) -> dict[str, object]:
    return {"id": str(uuid4()), "event_type": "job_rollback", "severity": "info", "metadata": {}, "age_s": 0, **fields}


@pytest.mark.parametrize("age", ["stage1", "newest"])
def test_the_platforms_own_cancellation_ends_the_generation(make_platform: MakePlatform, age: str) -> None:
    url = make_platform(age)
    migrate(url)
    with connect(url) as conn:
        for _ in range(2):  # and it can be started again
            generation = admit(conn, COURSE)
            write(conn, COURSE, "analyzing_task")
            assert holds(conn, generation)
            cancel_as_user(conn, COURSE)
            assert not holds(conn, generation)
            outcome = only(conn, "select coursegen.settle_generation_v1(%s, 'Отменено')", generation)
            assert outcome == "final"
            ended = "select status::text || ' by ' || ended_by from coursegen.generations where id = %s"
            assert only(conn, ended, generation) == "cancelled by platform"
            assert shown(conn, COURSE) == "cancelled"
        assert refusals(conn) == 0


def holds(conn: psycopg.Connection[DictRow], generation: UUID) -> bool:
    query = "select coursegen.holds_fence_v1(g, g.fence) as held from coursegen.generations g where id = %s"
    return bool(only(conn, query, generation))


@pytest.mark.slow
def test_a_migration_that_is_killed_anywhere_is_completed_by_the_next(make_platform: MakePlatform) -> None:
    url = make_platform("stage1")
    before = dump(url)
    program = f"import sys; from app.database.migrations import migrate; print('go', flush=True); migrate({url!r})"
    for kill in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(0.05 * kill)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()
        if kill % 4 == 3:
            migrate(url)
            rollback(url)
            assert dump(url) == before
    migrate(url)
    assert lacks(url) == []


@pytest.mark.parametrize("age", ["stage1", "newest"])
def test_two_migrations_beside_a_dump_and_readers_all_succeed(make_platform: MakePlatform, age: str) -> None:
    url = make_platform(age)
    ended = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        longest = [pool.submit(read_on, url, ended) for _ in range(2)]
        dumps = [pool.submit(dump, url) for _ in range(3)]
        migrations = [pool.submit(migrate, url) for _ in range(2)]
        applied = [done.result(60) for done in migrations]
        ended.set()
        assert sorted(bool(names) for names in applied) == [False, True]
        assert all("courses" in done.result(60) for done in dumps)
        assert max(waited.result(60) for waited in longest) < 1.0  # 0.2 s on a quiet machine
    assert lacks(url) == []


def read_on(url: str, ended: threading.Event) -> float:
    """Reads courses again and again, as pages do; returns the longest wait in seconds."""
    longest = 0.0
    with psycopg.connect(url, autocommit=True) as conn:
        while not ended.is_set():
            asked = time.monotonic()
            conn.execute("select count(*) from courses where generation_status is not null")
            longest = max(longest, time.monotonic() - asked)
            ended.wait(0.01)
    return longest
