from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from app.database.migration_session import MigrationError
from app.database.migrations import migrate, missing
from app.database.rollback import rollback
from tests.integration.sql.courses import Connection
from tests.integration.sql.migrations.conftest import THEIRS

#: What API, workers and commands do to each table beside reading it.
WRITES = {
    "coursegen.generations": {"insert", "update", "delete"},
    "coursegen.attempts": {"insert", "update", "delete"},
    "coursegen.stage_results": {"insert"},
    "coursegen.documents": {"insert"},
    "coursegen.briefs": {"insert"},
    "coursegen.sections": {"insert"},
    "coursegen.lessons": {"insert"},
    "coursegen.drafts": {"insert"},
    "coursegen.finished_courses": {"insert"},
    "coursegen.idempotency_keys": {"insert", "update", "delete"},
    "coursegen.webhook_deliveries": {"insert", "update", "delete"},
    "coursegen.webhook_attempts": {"insert"},
    "coursegen.webhook_turns": {"insert", "update", "delete"},
    "coursegen.audit": {"insert"},
    "coursegen.controls": {"insert", "update", "delete"},
    "coursegen.tiers": {"update"},
    "coursegen.events": {"delete"},
    "coursegen.written_events": {"insert", "delete"},
    "coursegen.publications": {"insert", "update"},
    "coursegen.units": {"insert", "update", "delete"},
    "coursegen.spending": {"insert", "update"},
    "coursegen.attempt_logs": {"insert", "update"},
    "coursegen.workers": {"insert", "update", "delete"},
    "coursegen.alerts": {"insert", "update", "delete"},
    "coursegen.alert_checks": {"insert", "update"},
    "coursegen.processes": {"insert", "update", "delete"},
    "coursegen.dynamic_limit": {"insert", "update"},
    "coursegen.console_forms": {"insert", "update", "delete"},
    "coursegen.bulk_runs": {"insert", "update", "delete"},
    "coursegen.bulk_rows": {"insert", "update", "delete"},
    "coursegen.console_links": {"insert", "update", "delete"},
    "coursegen.console_sessions": {"insert", "update", "delete"},
    "system_metrics": {"insert", "delete"},
    "procrastinate_jobs": {"insert", "update", "delete"},
    "procrastinate_events": {"insert"},
    "procrastinate_periodic_defers": {"insert", "update", "delete"},
    "procrastinate_workers": {"insert", "update", "delete"},
}
FORBIDDEN = [
    "create schema theirs",
    "create table coursegen.something ()",
    "create table public.something ()",
    "create function coursegen.something() returns int language sql as 'select 1'",
    "alter function coursegen.has_documents(jsonb) rename to something",
    "create role another",
    "alter role coursegen_app login",
    "alter table coursegen.generations disable trigger all",
    "alter table courses disable row level security",
    "drop table coursegen.audit",
    "drop function coursegen.complete_stage_v1",
    "insert into courses (user_id, title, slug) values (gen_random_uuid(), '', '')",
    "update courses set title = ''",
    "update courses set status = 'completed'",
    "update courses set user_id = gen_random_uuid()",
    "delete from courses",
    "update system_metrics set event_type = 'job_rollback'",
    "update coursegen.audit set reason = ''",
    "select from a_platforms_own",
    "select pg_read_file('/etc/passwd')",
    "copy (select 1) to program 'true'",
]


@pytest.fixture
def member(conn: Connection) -> Iterator[Connection]:
    """A connection that has become the service's role; what it does is rolled back."""
    conn.execute("create table public.a_platforms_own ()")
    conn.execute("set local role coursegen_app")
    yield conn


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_role_may_not(member: Connection, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        member.execute(statement.encode())


def test_the_role_has_the_privileges_on_tables_that_the_service_uses_and_no_other(member: Connection) -> None:
    found = member.execute(
        """
        select c.oid::regclass::text, privilege from pg_class c
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) privilege
        where relnamespace in ('public'::regnamespace, 'coursegen'::regnamespace) and relkind = 'r'
            and has_table_privilege(c.oid, privilege)
        """
    ).fetchall()
    readable = {table for table, privilege in found if privilege == "select"}
    every = {
        table
        for (table,) in member.execute(
            """
            select oid::regclass::text from pg_class
            where relnamespace in ('public'::regnamespace, 'coursegen'::regnamespace) and relkind = 'r'
            """
        )
    }
    assert every - readable == {"a_platforms_own"}
    written: dict[str, set[str]] = {}
    for table, privilege in found:
        if privilege != "select":
            written.setdefault(table, set()).add(privilege)
    assert written == WRITES


def test_the_role_may_lock_courses_and_writes_them_through_functions_alone(member: Connection) -> None:
    columns = member.execute(
        """
        select attname from pg_attribute
        where attrelid = 'courses'::regclass and attnum > 0 and has_column_privilege(attrelid, attnum, 'update')
        """
    )
    assert columns.fetchall() == [("updated_at",)]
    member.execute("select from courses for no key update")
    member.execute("select coursegen.write_course(gen_random_uuid(), '[]')")
    member.execute("select coursegen.write_course(gen_random_uuid(), '[]', 'failed')")


def test_the_role_works_on_a_platforms_tables_with_row_level_security(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(THEIRS.encode())
        conn.execute("alter table courses enable row level security")
        conn.execute("alter table system_metrics enable row level security")
        migrate(new_database_url)
        policies = "select polname, polrelid::regclass::text, polroles::regrole[]::text from pg_policy order by 2"
        assert conn.execute(policies.encode()).fetchall() == [
            ("coursegen_service", "courses", "{coursegen_app}"),
            ("coursegen_service", "system_metrics", "{coursegen_app}"),
        ]
        conn.execute("set role coursegen_app")
        locked = conn.execute("select id from courses for no key update").fetchall()
        assert len(locked) == 100
        assert conn.execute("select coursegen.write_course(%s, '[]', 'failed') is not null", locked[0]).fetchone() == (
            True,
        )
        conn.execute("insert into system_metrics (event_type, severity) values ('job_rollback', 'info')")
        assert conn.execute("delete from system_metrics").rowcount == 1


def test_a_role_of_another_name_gets_the_same(new_database_url: str) -> None:
    role = "cg-Other"
    migrate(new_database_url, app_role=role)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        try:
            conn.execute(SQL("set role {}").format(Identifier(role)))
            conn.execute("select from coursegen.generations")
            conn.execute("select from procrastinate_jobs for update")
            conn.execute("select coursegen.update_course_progress(gen_random_uuid(), 1, 'completed', '')")
        finally:
            conn.execute("reset role")
            conn.execute(SQL("drop owned by {0}; drop role {0}").format(Identifier(role)))


def test_a_privilege_that_was_lost_comes_back_with_the_next_migration(new_database_url: str) -> None:
    migrate(new_database_url)
    allowed = "select has_table_privilege('coursegen_app', 'coursegen.generations', 'update')"
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute("revoke all on coursegen.generations from coursegen_app")
        migrate(new_database_url)
        assert conn.execute(allowed.encode()).fetchone() == (True,)


def test_an_owner_who_may_not_create_roles_learns_what_an_administrator_runs(new_database_url: str) -> None:
    owner, role = f"owner_{uuid4().hex}", f"cg_{uuid4().hex}"
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(f"create role {owner} login password 'x'".encode())
        conn.execute(f"alter database {conn.info.dbname} owner to {owner}".encode())
        url = make_conninfo(new_database_url, user=owner, password="x")
        try:
            with pytest.raises(MigrationError, match=f'create role "{role}" nologin'):
                migrate(url, app_role=role)
            conn.execute(f"create role {role} nologin".encode())
            migrate(url, app_role=role)
            assert missing(conn) == []
            assert rollback(url, app_role=role) == []
        finally:
            conn.execute(f"alter database {conn.info.dbname} owner to current_user".encode())
            conn.execute(f"drop owned by {owner}; drop role {owner}; drop role {role}".encode())
