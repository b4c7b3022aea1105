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
    "select public.update_course_progress(gen_random_uuid(), 1, 'completed', '')",
    "select coursegen.update_course_progress(gen_random_uuid(), 1, 'completed', '')",
    "select coursegen.write_course(gen_random_uuid(), '[]')",
    "select coursegen.write_course(gen_random_uuid(), '[]', 'failed')",
]
#: What an owner may read of his own.
READABLE = {
    "public.courses",
    "coursegen.generations",
    "coursegen.sections",
    "coursegen.lessons",
    "coursegen.drafts",
    "coursegen.finished_courses",
}
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


def tables(conn: Connection) -> list[str]:
    """Every table of the service and of `public`, with its schema."""
    found = conn.execute("select schemaname, tablename from pg_tables where schemaname in ('coursegen', 'public')")
    return [".".join(name) for name in found]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_supabases_users_may_neither_write_nor_see_what_is_not_theirs(migrated_supabase_url: str, role: str) -> None:
    with psycopg.connect(migrated_supabase_url, autocommit=True) as conn:
        every = tables(conn)
        sequences = conn.execute("select schemaname, sequencename from pg_sequences").fetchall()
        readable = READABLE if role == "authenticated" else set()
        assert READABLE | {"public.system_metrics", "public.procrastinate_jobs", "coursegen.audit"} <= set(every)
        become(conn, role)
        for call in CALLS:
            with pytest.raises(InsufficientPrivilege):
                conn.execute(call.encode())
        for table in every:
            name = Identifier(*table.split("."))
            if table not in readable:
                with pytest.raises(InsufficientPrivilege):
                    conn.execute(SQL("select from {}").format(name))
            for write in ("delete from {}", "truncate {}", "insert into {} default values"):
                with pytest.raises(InsufficientPrivilege):
                    conn.execute(SQL(write).format(name))
        for sequence in sequences:
            with pytest.raises(InsufficientPrivilege):
                conn.execute(SQL("select last_value from {}").format(Identifier(*sequence)))


#: What a role may do to any object in these schemas, by any grant in the catalog.
PRIVILEGES = """
    select kind || ' ' || name, privilege from (
        select 'relation' as kind, c.oid::regclass::text as name, privilege,
            has_table_privilege(%(role)s, c.oid, privilege)
            or (
                privilege in ('select', 'insert', 'update', 'references')
                and has_any_column_privilege(%(role)s, c.oid, privilege)
            ) as granted
        from pg_class c
        cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) privilege
        where c.relnamespace = any (%(schemas)s::regnamespace[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
        union all
        select 'sequence', c.oid::regclass::text, privilege, has_sequence_privilege(%(role)s, c.oid, privilege)
        from pg_class c
        cross join unnest(array['usage', 'select', 'update']) privilege
        where c.relnamespace = any (%(schemas)s::regnamespace[]) and c.relkind = 'S'
        union all
        select 'function', p.oid::regprocedure::text, 'execute', has_function_privilege(%(role)s, p.oid, 'execute')
        from pg_proc p where p.pronamespace = any (%(schemas)s::regnamespace[])
        union all
        select 'schema', nspname, 'create', has_schema_privilege(%(role)s, oid, 'create')
        from pg_namespace where oid = any (%(schemas)s::regnamespace[])
    ) found where granted order by 1, 2
"""


@pytest.mark.parametrize("widely", [False, True], ids=["as Supabase grants", "granted in every schema"])
def test_nothing_in_the_catalog_is_open_to_supabases_users(supabase_url: str, widely: bool) -> None:
    with psycopg.connect(supabase_url, autocommit=True) as conn:
        if widely:
            for kind in ("tables", "sequences", "functions"):
                conn.execute(f"alter default privileges grant all on {kind} to anon, authenticated".encode())
        migrate(supabase_url)
        migrate(supabase_url)
        found = {
            role: conn.execute(PRIVILEGES.encode(), {"role": role, "schemas": ["public", "coursegen"]}).fetchall()
            for role in ("anon", "authenticated", "coursegen_app")
        }
        owned = [(f"relation {name.removeprefix('public.')}", "select") for name in READABLE]
        assert found["anon"] == []
        assert sorted(found["authenticated"]) == sorted(owned)
        kinds = {name.split()[0] for name, _ in found["coursegen_app"]}
        assert kinds == {"relation", "sequence", "function"}  # so the query sees each kind
        unguarded = conn.execute(
            """
            select c.oid::regclass::text from pg_class c
            where c.oid = any (%s::regclass[]) and not (
                c.relrowsecurity and exists (
                    select from pg_policy p
                    where p.polrelid = c.oid and p.polname = 'coursegen_owner' and p.polcmd = 'r'
                )
            )
            """,
            [sorted(READABLE)],
        ).fetchall()
        assert unguarded == []
        assert conn.execute("select has_schema_privilege('anon', 'coursegen', 'usage')").fetchone() == (False,)
        if widely:
            for kind in ("tables", "sequences", "functions"):
                conn.execute(f"alter default privileges revoke all on {kind} from anon, authenticated".encode())


def test_supabases_users_see_their_own_courses_generations_and_results(migrated_supabase_url: str) -> None:
    with psycopg.connect(migrated_supabase_url, autocommit=True) as conn:
        courses = [new_course(conn), new_course(conn)]
        owners = [user for (user,) in conn.execute("select user_id from courses order by id = %s desc", courses[:1])]
        for slot, (course, owner) in enumerate(zip(courses, owners, strict=True), 1):
            conn.execute(NEW_GENERATION, (course, owner, slot))
        conn.execute("insert into coursegen.sections select id, 1, 'Раздел' from coursegen.generations")
        conn.execute("select set_config('request.jwt.claim.sub', %s, false)", (str(owners[0]),))
        become(conn, "authenticated")
        assert conn.execute("select id from courses").fetchall() == [(courses[0],)]
        assert conn.execute("select user_id from coursegen.generations").fetchall() == [(owners[0],)]
        assert conn.execute("select count(*) from coursegen.sections").fetchone() == (1,)


def test_supabases_service_role_may_do_the_services_work(migrated_supabase_url: str) -> None:
    with psycopg.connect(migrated_supabase_url, autocommit=True) as conn:
        course = new_course(conn)
        become(conn, "service_role")
        reset(conn, course)
        assert advance(conn, course, 1, "completed")["percentage"] == 20
        assert conn.execute(
            "select coursegen.write_course(%s, '[]', 'initializing') is not null", (course,)
        ).fetchone() == (True,)
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
def test_what_others_create_is_not_called_by_the_owners_functions(new_database_url: str, schema: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        course = new_course(conn, progress_with("completed", files=[{"id": "f1"}]))
        reset(conn, course)
        conn.execute("create schema if not exists evil")
        conn.execute(TRAPS.format(schema=schema).encode())
        conn.execute(SQL("set search_path = {}, pg_catalog, public").format(Identifier(schema)))
        # A session's temporary tables and types come first, unless the path says otherwise.
        conn.execute("create temp table courses (like public.courses)")
        conn.execute("create temp table pg_attribute (attrelid oid, attname name, attisdropped boolean)")
        conn.execute("create domain pg_temp.jsonb as text check (public.springs())")
        for function in ("coursegen.update_course_progress", "public.update_course_progress"):
            progress = conn.execute(
                f"select {function}(%s, 1, 'completed', 'Готово', null, null, '{{}}')".encode(), (course,)
            ).fetchone()
            assert progress is not None
            assert progress[0]["percentage"] == 20
            with pytest.raises(psycopg.Error, match=r"^Invalid step_id: 9"):
                conn.execute(f"select {function}(%s, 9, 'completed', '')".encode(), (course,))
        assert conn.execute(
            "select coursegen.write_course(%s, '[]', 'completed') is not null", (course,)
        ).fetchone() == (True,)
        with pytest.raises(psycopg.Error, match=r"^Invalid status: x"):
            conn.execute("select coursegen.write_course(%s, '[]', 'x')", (course,))
        conn.execute("select coursegen.write_course(%s, '[]', 'failed', 'Ошибка')", (course,))
        assert conn.execute("select * from public.trap").fetchall() == []
        assert conn.execute("select count(*) from pg_temp.courses").fetchone() == (0,)


def test_only_what_must_run_as_the_owner_does_and_with_a_fixed_search_path(conn: Connection) -> None:
    definers = conn.execute(
        """
        select oid::regproc::text, proconfig::text from pg_proc
        where prosecdef and pronamespace in ('public'::regnamespace, 'coursegen'::regnamespace)
        """
    ).fetchall()
    assert {name for name, _ in definers} >= {"coursegen.update_course_progress", "update_course_progress"}
    assert [name for name, config in definers if "search_path=pg_catalog" not in (config or "")] == []


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
        become(conn, "coursegen_app")  # which has no privilege on the platform's tables
        advance(conn, course, 1, "completed")
        conn.execute("select coursegen.write_course(%s, '[{\"alive\": true}]')", (course,))
        conn.execute("select coursegen.write_course(%s, '[]', 'failed')", (course,))
        conn.execute("reset role")
        assert conn.execute("select * from audit_log").fetchall() == [(course,)] * 3
