import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from app.database.migration_session import MigrationError
from app.database.migrations import migrate, missing
from app.database.rollback import rollback
from stack.postgres import PostgresServer
from stack.schema_dump import dump_schema
from tests.integration.sql.courses import new_course
from tests.integration.sql.migrations.conftest import THEIRS

#: What a platform may have done to the tables that the migration grants something on.
GUARDED = """
    alter table courses enable row level security;
    alter table system_metrics enable row level security;
    create policy courses_read on courses for select using (user_id is not null);
    grant select, update (title) on courses to public;
    revoke all on schema public from public;
    create function audit() returns trigger language plpgsql as 'begin return new; end';
    create trigger audit before update on courses for each row execute function audit();
"""
FINISHED = """
    with generation as (
        insert into coursegen.generations
            (id, course_id, user_id, tier, priority, stage, status, source, started_at, finished_at)
        select %s, id, user_id, 'FREE', 1, 'FINALIZATION', 'completed', 'rest', now(), now() from courses where id = %s
        returning id
    )
    insert into coursegen.finished_courses select id, '# Курс', '{"lessons": 3}' from generation
"""


@pytest.fixture
def dump(postgres_servers: PostgresServer, new_database_url: str) -> Callable[[], str]:
    """A function that returns what pg_dump makes of the test's database."""
    return lambda: dump_schema(postgres_servers, new_database_url)


@pytest.mark.parametrize(
    "before",
    ["", THEIRS, THEIRS + GUARDED, SchemaManager.get_schema(), THEIRS + SchemaManager.get_schema()],
    ids=["empty", "platform", "guarded platform", "queue", "platform and queue"],
)
def test_the_dump_is_as_before(new_database_url: str, dump: Callable[[], str], before: str) -> None:
    with psycopg.connect(new_database_url) as conn:
        conn.execute(before.encode())
    as_it_was = dump()
    migrate(new_database_url)
    assert dump() != as_it_was
    kept = rollback(new_database_url)
    assert dump() == as_it_was
    assert any("queue's schema stays" in line for line in kept) == ("procrastinate_jobs" in before)
    migrate(new_database_url)
    with psycopg.connect(new_database_url) as conn:
        assert missing(conn) == []


def test_the_dump_is_as_before_on_supabase(supabase_url: str, dump: Callable[[], str]) -> None:
    as_it_was = dump()
    migrate(supabase_url)
    rollback(supabase_url)
    assert dump() == as_it_was


def test_a_migration_that_failed_halfway_is_rolled_back_too(new_database_url: str, dump: Callable[[], str]) -> None:
    with psycopg.connect(new_database_url) as conn:
        conn.execute("create table courses (id text)")  # nothing of ours can refer to that
    as_it_was = dump()
    with pytest.raises(MigrationError, match="no unique constraint"):
        migrate(new_database_url)
    rollback(new_database_url)
    assert dump() == as_it_was


def test_the_role_goes_with_the_last_database_that_uses_it(
    postgres_servers: PostgresServer, new_database_url: str
) -> None:
    other = postgres_servers.create_database(f"course_other_{uuid4().hex}")
    role = "cg_role_of_a_test"
    is_there = f"select to_regrole('{role}') is not null"
    migrate(new_database_url, app_role=role)
    migrate(other, app_role=role)
    assert any(role in line for line in rollback(new_database_url, app_role=role))
    with psycopg.connect(other, autocommit=True) as conn:
        assert conn.execute(is_there.encode()).fetchone() == (True,)
        assert rollback(other, app_role=role) == []
        assert conn.execute(is_there.encode()).fetchone() == (False,)


def test_a_role_that_was_there_stays(new_database_url: str) -> None:
    role = f"cg_{uuid4().hex}"
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(f"create role {role}".encode())
        migrate(new_database_url, app_role=role)
        rollback(new_database_url, app_role=role)
        conn.execute(f"drop role {role}".encode())  # and holds nothing here


def test_rollback_is_refused_while_a_process_of_the_service_is_connected(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, application_name="course-generation-worker") as conn:
        with pytest.raises(MigrationError, match=rf"pid {conn.info.backend_pid} \(course-generation-worker\)"):
            rollback(new_database_url)
        assert missing(conn) == []


def test_rollback_is_refused_while_a_worker_gives_signs_of_life(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute("insert into procrastinate_workers (last_heartbeat) values (now())")
        with pytest.raises(MigrationError, match="worker 1"):
            rollback(new_database_url)
        conn.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
    rollback(new_database_url)


def test_finished_courses_are_exported_or_stay(new_database_url: str, tmp_path: Path) -> None:
    generation = uuid4()
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        course = new_course(conn)
        conn.execute(FINISHED, (generation, course))
        with pytest.raises(MigrationError, match=r"1 finished courses and 1 rows of courses would be lost.*--export"):
            rollback(new_database_url)
        assert missing(conn) == []
    rollback(new_database_url, export=tmp_path / "export")
    assert (tmp_path / "export" / f"{generation}.md").read_text(encoding="utf-8") == "# Курс"
    exported = json.loads((tmp_path / "export" / f"{generation}.json").read_text(encoding="utf-8"))
    assert (exported["course_id"], exported["title"], exported["summary"]) == (str(course), "Курс", {"lessons": 3})
    courses = json.loads((tmp_path / "export" / "courses.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in courses] == [str(course)]


def test_rows_of_a_platforms_courses_stay(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(THEIRS.encode())
        rows = "select id, title, theirs from courses order by id"
        before = conn.execute(rows.encode()).fetchall()
        migrate(new_database_url)
        rollback(new_database_url)
        assert conn.execute(rows.encode()).fetchall() == before


def test_what_somebody_else_built_on_ours_is_named(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute("create view their_view as select id from courses")
        with pytest.raises(MigrationError, match="their_view"):
            rollback(new_database_url)
        assert missing(conn) == []


def test_an_unmigrated_database_has_nothing_to_roll_back(new_database_url: str) -> None:
    with pytest.raises(MigrationError, match="nothing to roll back") as failure:
        rollback(new_database_url)
    assert new_database_url.partition("password=")[2].split()[0] not in str(failure.value)
