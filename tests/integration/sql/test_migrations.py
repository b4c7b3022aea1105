import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Literal

from app.database import migrations
from app.database.migrations import MigrationError, migrate, missing, rollback
from tests.integration.sql.courses import advance, new_course, progress_with

MIGRATIONS = [file.stem for file in sorted((migrations.SQL / "migrations").glob("*.sql"))]
FUNCTIONS = [file.stem for file in sorted((migrations.SQL / "functions").glob("*.sql"))]
EVERYTHING = ["procrastinate", *MIGRATIONS, *FUNCTIONS]

#: Every row that says what the database is, with the transaction that wrote it.
CATALOG = """
    select 'function', oid::regprocedure::text, xmin::text, ctid::text from pg_proc where oid >= 16384
    union all select 'relation', oid::regclass::text, xmin::text, ctid::text from pg_class
        where oid >= 16384 and relnamespace = 'public'::regnamespace
    union all select 'column', attrelid::regclass || '.' || attname, xmin::text, ctid::text from pg_attribute
        where attrelid >= 16384 and attrelid::regclass::text !~ '^pg_'
    union all select 'migration', version, xmin::text, ctid::text from coursegen.applied_migrations
    union all select 'applied', name, xmin::text, ctid::text from coursegen.applied_functions
"""
#: A platform's table that was there first: other columns, other types, and rows.
THEIR_COURSES = """
    create type course_status as enum ('draft', 'published');
    create table courses (
        id uuid primary key, user_id uuid not null, title varchar(200) not null, slug text not null,
        status course_status not null default 'draft', generation_status text, generation_progress jsonb,
        language varchar(2) default 'ru', theirs integer
    );
    create index courses_theirs on courses (theirs);
    insert into courses (id, user_id, title, slug, theirs, generation_progress)
        select gen_random_uuid(), gen_random_uuid(), 'Курс ' || n, 'course-' || n, n, jsonb_build_object('n', n)
        from generate_series(1, 100) n;
"""


def catalog(url: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return set(conn.execute(CATALOG).fetchall())


def lacks(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return missing(conn)


def test_an_empty_database_lacks_everything_and_a_migrated_one_nothing(new_database_url: str) -> None:
    assert lacks(new_database_url) == EVERYTHING
    migrate(new_database_url)
    assert lacks(new_database_url) == []


def test_a_second_time_changes_nothing(new_database_url: str) -> None:
    migrate(new_database_url)
    before = catalog(new_database_url)
    migrate(new_database_url)
    assert catalog(new_database_url) == before


def test_two_at_once_both_succeed(new_database_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(migrate, new_database_url) for _ in range(2)]:
            done.result(60)
    assert lacks(new_database_url) == []


def test_the_queues_schema_is_not_applied_to_a_database_that_has_it(new_database_url: str) -> None:
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(SchemaManager.get_schema())
        conn.execute("insert into procrastinate_jobs (queue_name, task_name) values ('theirs', 'theirs')")
        assert missing(conn) == EVERYTHING[1:]
        migrate(new_database_url)
        assert missing(conn) == []
        assert conn.execute("select queue_name from procrastinate_jobs").fetchall() == [("theirs",)]


def test_a_platforms_courses_keep_their_rows_and_columns_and_gain_the_missing_ones(new_database_url: str) -> None:
    theirs = (
        "select id, user_id, title, slug, status::text, language, theirs, generation_progress, xmin::text from courses"
    )
    columns = (
        "select attname, atttypid, attnotnull from pg_attribute where attrelid = 'courses'::regclass and attnum > 0"
    )
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(THEIR_COURSES.encode())
        rows, shape = conn.execute(theirs).fetchall(), conn.execute(columns.encode()).fetchall()
        migrate(new_database_url)
        assert conn.execute(theirs).fetchall() == rows
        assert set(shape) < set(conn.execute(columns.encode()).fetchall())
        assert conn.execute("select count(*) from courses where created_at is null").fetchone() == (0,)
        course = new_course(conn)
        assert advance(conn, course, 1, "completed", "Готово")["percentage"] == 20


def test_down_takes_what_up_made_and_up_makes_it_again(new_database_url: str) -> None:
    ours = """
        select proname::text from pg_proc where pronamespace = 'public'::regnamespace and proname !~ '^procrastinate'
        union all select relname from pg_class where relnamespace = 'public'::regnamespace
            and relkind = 'r' and relname !~ '^procrastinate'
        union all select typname from pg_type where typnamespace = 'public'::regnamespace
            and typtype = 'e' and typname !~ '^procrastinate'
        order by 1
    """
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        migrate(new_database_url)
        course = new_course(conn, progress_with("completed"))
        up = conn.execute(ours.encode()).fetchall()
        for _ in MIGRATIONS:
            rollback(new_database_url)
        assert conn.execute(ours.encode()).fetchall() == [("courses",), ("coursegen.applied_migrations",)]
        assert missing(conn) == EVERYTHING[1:]
        migrate(new_database_url)
        assert conn.execute(ours.encode()).fetchall() == up
        assert missing(conn) == []
        assert advance(conn, course, 2, "in_progress")["percentage"] == 30


def test_down_and_up_again_works_on_supabase(migrated_supabase_url: str) -> None:
    rollback(migrated_supabase_url)
    migrate(migrated_supabase_url)
    assert lacks(migrated_supabase_url) == []


def test_below_the_first_migration_there_is_no_down(new_database_url: str) -> None:
    with pytest.raises(MigrationError, match="rollback"):
        rollback(new_database_url)


def test_every_reader_of_rows_may_ask_what_is_missing(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, row_factory=dict_row) as conn:
        conn.read_only = True
        assert missing(conn) == []


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release whose `sql` folder a test may change."""
    for folder in ("migrations", "functions"):
        (tmp_path / folder).mkdir()
        for file in (migrations.SQL / folder).glob("*.sql"):
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(migrations, "SQL", tmp_path)
    return tmp_path


def body(url: str) -> Any:
    with psycopg.connect(url) as conn:
        row = conn.execute("select prosrc from pg_proc where proname = 'course_step_moves'").fetchone()
    assert row is not None
    return row[0]


def test_only_a_function_whose_file_changed_is_applied_again(
    new_database_url: str, release: Path, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(new_database_url)
    before = catalog(new_database_url)
    file = release / "functions" / "course_step_moves.sql"
    file.write_text(file.read_text().replace("coalesce(", "coalesce( /* newer */ "))
    assert lacks(new_database_url) == ["course_step_moves"]

    with caplog.at_level(logging.INFO, "app.database.migrations"):
        migrate(new_database_url)

    assert lacks(new_database_url) == []
    assert [(record.message, record.__dict__["function"]) for record in caplog.records] == [
        ("function_applied", "course_step_moves")
    ]
    changed = {(kind, name) for kind, name, *_ in catalog(new_database_url) ^ before}
    assert changed == {("function", "course_step_moves(text,text)"), ("applied", "course_step_moves")}


def test_an_older_release_is_not_disturbed_by_a_newer_ones_migration(new_database_url: str, release: Path) -> None:
    file = release / "functions" / "course_step_moves.sql"
    older = file.read_text()
    migrate(new_database_url)
    first = body(new_database_url)

    later = release / "migrations" / "29991231235959_add_something.sql"
    later.write_text("-- migrate:up\ncreate table something ();\n-- migrate:down\ndrop table something;\n")
    file.write_text(older.replace("coalesce(", "coalesce( /* newer */ "))
    assert lacks(new_database_url) == [later.stem, "course_step_moves"]
    migrate(new_database_url)
    assert "newer" in body(new_database_url)

    later.unlink()
    file.write_text(older)
    assert lacks(new_database_url) == []
    # Going back to it for good brings its functions back.
    migrate(new_database_url)
    assert body(new_database_url) == first
    file.write_text(older.replace("coalesce(", "coalesce( /* newer */ "))
    migrate(new_database_url)
    assert "newer" in body(new_database_url)


def test_a_migration_that_fails_leaves_nothing_of_itself_and_says_why(
    new_database_url: str, release: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = release / "migrations" / "29991231235959_break_something.sql"
    bad.write_text("-- migrate:up\ncreate table something ();\nselect 1 / 0;\n-- migrate:down\n")
    with (
        caplog.at_level(logging.INFO, "app.database.migrations"),
        pytest.raises(MigrationError, match="division by zero"),
    ):
        migrate(new_database_url)
    with psycopg.connect(new_database_url) as conn:
        assert conn.execute("select to_regclass('something')").fetchone() == (None,)
        assert missing(conn) == [bad.stem, *FUNCTIONS]
    assert [record.message for record in caplog.records] == ["queue_schema_applied"] + ["migration_applied"] * len(
        MIGRATIONS
    )
    bad.unlink()
    migrate(new_database_url)
    assert lacks(new_database_url) == []


def test_a_function_that_does_not_parse_leaves_the_others_as_they_were(new_database_url: str, release: Path) -> None:
    migrate(new_database_url)
    before = catalog(new_database_url)
    changed = release / "functions" / "course_step_moves.sql"
    changed.write_text(changed.read_text().replace("coalesce(", "coalesce( /* newer */ "))
    (release / "functions" / "zz_broken.sql").write_text("create function zz_broken(")
    with pytest.raises(psycopg.errors.SyntaxError):
        migrate(new_database_url)
    assert catalog(new_database_url) == before


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "sslmode=prefer",
        "connect_timeout=5&keepalives_idle=3&tcp_user_timeout=9000&options=-c%20statement_timeout%3D60s",
    ],
)
def test_whatever_url_the_service_connects_with_will_do(new_database_url: str, scheme: str, query: str) -> None:
    parts = conninfo_to_dict(new_database_url)
    role, password = f"a b@:/{uuid4().hex}", "p@s:/?#%&=+ ы'"
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(SQL("create role {0} superuser login password {1}").format(Identifier(role), Literal(password)))
        try:
            migrate(
                f"{scheme}://{quote(role, safe='')}:{quote(password, safe='')}"
                f"@{parts['host']}:{parts['port']}/{parts['dbname']}?{query}"
            )
            assert missing(conn) == []
        finally:
            conn.execute(SQL("reassign owned by {} to current_user").format(Identifier(role)))
            conn.execute(SQL("drop role {}").format(Identifier(role)))


def test_the_migration_tool_takes_nothing_from_the_working_folder(
    new_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("DBMATE_DRIVER=mysql\n")
    monkeypatch.chdir(tmp_path)
    migrate(new_database_url)
    assert lacks(new_database_url) == []


def test_the_migration_tool_takes_nothing_from_the_environment(
    new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBMATE_DRIVER", "mysql")
    migrate(new_database_url)
    assert lacks(new_database_url) == []


def test_a_password_stays_out_of_what_is_said(postgres_servers: Any) -> None:
    with psycopg.connect(postgres_servers.url) as conn:
        password = conn.info.password
    with pytest.raises(MigrationError) as failure:
        rollback(postgres_servers.url)
    assert password not in str(failure.value)
