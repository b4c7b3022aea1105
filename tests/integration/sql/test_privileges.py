from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from app.database.migrations import migrate
from tests.integration.sql.courses import Connection, advance, new_course, progress_with, reset

#: What only the service may call.
CALLS = [
    "select update_course_progress(gen_random_uuid(), 1, 'completed', '')",
    "select reset_course_progress(gen_random_uuid())",
    "select start_course_progress(gen_random_uuid(), '', '{}')",
    "select set_course_status(gen_random_uuid(), 'failed')",
]
NEW_GENERATION = """
    insert into coursegen.generations (id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source)
    values (gen_random_uuid(), %s, %s, 'FREE', 1, 1, %s, 'STRUCTURE_ANALYSIS', 'rest')
"""
#: What would run as the functions' owner if anything in them resolved outside pg_catalog.
TRAPS = """
    create table trap (who text);
    grant all on trap to public;
    create function spring() returns void language sql as $$ insert into public.trap values (current_user) $$;
    create function springs() returns boolean language sql as $$ select public.spring(); select true $$;
    create function {schema}.format(text, text) returns text language sql as $$ select spring(); select '' $$;
    create function {schema}.format(text, text, text, text) returns text language sql
        as $$ select spring(); select '' $$;
    create function {schema}.now() returns timestamptz language sql as $$ select spring(); select null::timestamptz $$;
    create function {schema}.to_regclass(text) returns regclass language sql
        as $$ select spring(); select null::regclass $$;
    create function {schema}.jsonb_path_query_array(jsonb, text, silent boolean) returns jsonb language sql
        as $$ select spring(); select '[]'::jsonb $$;
    create function {schema}.has_documents(text) returns boolean language sql as $$ select spring(); select true $$;
    create function {schema}.of_class(oid, regclass) returns boolean language sql as $$ select spring(); select true $$;
    create operator {schema}.= (leftarg = oid, rightarg = regclass, function = {schema}.of_class);
    create function {schema}.of_json(jsonb, jsonb) returns jsonb language sql
        as $$ select spring(); select '0'::jsonb $$;
    create operator {schema}.-> (leftarg = jsonb, rightarg = jsonb, function = {schema}.of_json);
    create function {schema}.of_text(jsonb, jsonb) returns text language sql as $$ select spring(); select '' $$;
    create operator {schema}.->> (leftarg = jsonb, rightarg = jsonb, function = {schema}.of_text);
"""


@pytest.fixture
def stranger(postgres_servers: object, conn: Connection) -> Iterator[str]:
    """A role without grants; it goes with the transaction."""
    name = f"stranger_{uuid4().hex}"
    conn.execute(SQL("create role {}").format(Identifier(name)))
    yield name


def become(conn: Connection, role: str) -> None:
    conn.execute(SQL("set role {}").format(Identifier(role)))


@pytest.mark.parametrize("call", CALLS)
def test_a_role_without_grants_is_refused(conn: Connection, stranger: str, call: str) -> None:
    become(conn, stranger)
    with pytest.raises(InsufficientPrivilege):
        conn.execute(call.encode())


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_supabases_users_may_neither_write_progress_nor_see_what_is_not_theirs(
    migrated_supabase_url: str, role: str
) -> None:
    with psycopg.connect(migrated_supabase_url, autocommit=True) as conn:
        tables = [name for (name,) in conn.execute("select tablename from pg_tables where schemaname = 'public'")]
        become(conn, role)
        for call in CALLS:
            with pytest.raises(InsufficientPrivilege):
                conn.execute(call.encode())
        # `courses` is the platform's to guard; of the rest only `generations` may be read.
        hidden = set(tables) - {"courses"} - ({"generations"} if role == "authenticated" else set())
        assert {
            "system_metrics",
            "procrastinate_jobs",
            "coursegen.applied_functions",
            "coursegen.applied_migrations",
        } <= hidden
        for table in hidden:
            with pytest.raises(InsufficientPrivilege):
                conn.execute(SQL("select from {}").format(Identifier(table)))
        for table in set(tables) - {"courses"}:
            for write in ("delete from {}", "truncate {}"):
                with pytest.raises(InsufficientPrivilege):
                    conn.execute(SQL(write).format(Identifier(table)))


def test_supabases_users_see_their_own_generations_and_change_none(migrated_supabase_url: str) -> None:
    with psycopg.connect(migrated_supabase_url, autocommit=True) as conn:
        ours, theirs = uuid4(), uuid4()
        for slot, user in enumerate((ours, theirs), 1):
            conn.execute(NEW_GENERATION, (new_course(conn), user, slot))
        conn.execute("select set_config('request.jwt.claim.sub', %s, false)", (str(ours),))
        become(conn, "authenticated")
        assert conn.execute("select user_id from coursegen.generations").fetchall() == [(ours,)]
        for write in ("update coursegen.generations set priority = 10", "delete from coursegen.generations"):
            with pytest.raises(InsufficientPrivilege):
                conn.execute(write.encode())


def test_supabases_service_role_may_do_the_services_work(migrated_supabase_url: str) -> None:
    with psycopg.connect(migrated_supabase_url, autocommit=True) as conn:
        course = new_course(conn)
        become(conn, "service_role")
        reset(conn, course)
        assert advance(conn, course, 1, "completed")["percentage"] == 20
        assert conn.execute("select coursegen.set_course_status(%s, 'initializing')", (course,)).fetchone() == (True,)
        conn.execute(NEW_GENERATION, (course, uuid4(), 1))
        assert conn.execute("select count(*) from coursegen.generations").fetchone() == (1,)
        conn.execute(
            "insert into coursegen.attempts (generation_id, stage, fence, job_id, worker)"
            " select id, stage, fence, 1, 'w' from coursegen.generations"
        )
        conn.execute("insert into procrastinate_jobs (queue_name, task_name) values ('q', 't')")


def test_a_service_role_without_supabases_default_grants_may_too(supabase_roles: None, new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        become(conn, "service_role")
        conn.execute("insert into procrastinate_jobs (queue_name, task_name) values ('q', 't')")
        conn.execute("insert into system_metrics (event_type, severity) values ('worker_timeout', 'error')")
        assert conn.execute("select count(*) from system_metrics").fetchone() == (1,)
        for call in CALLS:
            conn.execute(call.encode())


@pytest.mark.parametrize("schema", ["public", "evil"])
@pytest.mark.parametrize("column", ["status", "generation_status"])
def test_what_others_create_is_not_called_by_the_owners_functions(
    new_database_url: str, schema: str, column: str
) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(SQL("alter table courses add column if not exists {} text").format(Identifier(column)))
        course = new_course(conn, progress_with("completed", files=[{"id": "f1"}]))
        conn.execute("create schema if not exists evil")
        conn.execute(TRAPS.format(schema=schema).encode())
        conn.execute(SQL("set search_path = {}, pg_catalog, public").format(Identifier(schema)))
        # A session's temporary tables and types come first, unless the path says otherwise.
        conn.execute("create temp table courses (like public.courses)")
        conn.execute("create temp table pg_attribute (attrelid oid, attname name, attisdropped boolean)")
        if column == "status":  # the opposite of what is so
            conn.execute(
                "insert into pg_temp.pg_attribute values ('public.courses'::regclass::oid, 'generation_status', false)"
            )
        conn.execute("create domain pg_temp.jsonb as text check (public.springs())")

        assert conn.execute("select coursegen.reset_course_progress(%s)", (course,)).fetchone() != (None,)
        started = conn.execute("select coursegen.start_course_progress(%s, 'Готово', '{}')", (course,)).fetchone()
        assert started is not None
        assert started[0]["percentage"] == 20
        assert conn.execute("select coursegen.reset_course_progress(%s)", (course,)).fetchone() != (None,)
        progress = conn.execute(
            "select public.update_course_progress(%s, 1, 'completed', 'Готово', null, null, '{}')", (course,)
        ).fetchone()
        assert progress is not None
        assert progress[0]["percentage"] == 20
        assert conn.execute("select coursegen.set_course_status(%s, 'completed')", (course,)).fetchone() == (True,)
        with pytest.raises(psycopg.Error, match=r"^Invalid status: x"):
            conn.execute("select coursegen.set_course_status(%s, 'x')", (course,))
        with pytest.raises(psycopg.Error, match=r"^Invalid step_id: 9"):
            conn.execute("select public.update_course_progress(%s, 9, 'completed', '')", (course,))

        assert conn.execute("select * from public.trap").fetchall() == []
        assert conn.execute("select count(*) from pg_temp.courses").fetchone() == (0,)
        written = SQL("select {} from public.courses").format(Identifier(column))
        assert conn.execute(written).fetchall() == [("completed",)]


def test_a_platforms_trigger_finds_its_own_tables(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(
            """
            create table audit_log (course_id uuid);
            create function audit() returns trigger language plpgsql
                as $$ begin insert into audit_log values (new.id); return new; end $$;
            create trigger audit before update on courses for each row execute function audit();
            """
        )
        course = new_course(conn)
        advance(conn, course, 1, "completed")
        assert conn.execute("select * from audit_log").fetchall() == [(course,)]
