import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Literal

from app.database.migration_session import MigrationError
from app.database.migrations import migrate, missing
from app.database.queries import SQL as SQL_FOLDER
from tests.integration.sql.courses import advance, new_course
from tests.integration.sql.migrations.conftest import THEIRS

MIGRATIONS = [file.stem for file in sorted((SQL_FOLDER / "migrations").glob("*.sql"))]
FUNCTIONS = sorted(file.stem for file in (SQL_FOLDER / "functions").rglob("*.sql"))
EVERYTHING = ["procrastinate", *MIGRATIONS, *FUNCTIONS]

#: Every row that says what the database is, with the transaction that wrote it.
CATALOG = """
    select 'function', oid::regprocedure::text, prosrc, '' from pg_proc where oid >= 16384
    union all select 'relation', oid::regclass::text, relacl::text, '' from pg_class
        where oid >= 16384 and relnamespace in ('public'::regnamespace, 'coursegen'::regnamespace)
    union all select 'column', attrelid::regclass || '.' || attname, xmin::text, ctid::text from pg_attribute
        where attrelid >= 16384 and attrelid::regclass::text !~ '^pg_'
    union all select 'policy', polname || polrelid::regclass, xmin::text, ctid::text from pg_policy
    union all select 'migration', version, xmin::text, ctid::text from coursegen.applied_migrations
    union all select 'applied', name, xmin::text, ctid::text from coursegen.applied_functions
    union all select 'script', script, xmin::text, ctid::text from coursegen.queue_migrations
    union all select 'created', kind || name, xmin::text, ctid::text from coursegen.created_objects
"""


def catalog(url: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return set(conn.execute(CATALOG).fetchall())


def lacks(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return missing(conn)


def test_an_empty_database_lacks_everything_and_a_migrated_one_nothing(new_database_url: str) -> None:
    assert lacks(new_database_url) == EVERYTHING
    applied = migrate(new_database_url)
    assert lacks(new_database_url) == []
    assert applied[-len(FUNCTIONS) :] == FUNCTIONS
    assert set(MIGRATIONS) < set(applied)


def test_a_second_time_changes_nothing(new_database_url: str) -> None:
    migrate(new_database_url)
    before = catalog(new_database_url)
    assert migrate(new_database_url) == []
    assert catalog(new_database_url) == before


def test_a_platforms_objects_stay_and_its_courses_gain_the_missing_columns(new_database_url: str) -> None:
    theirs = (
        "select id, user_id, title, slug, status::text, language, theirs, generation_progress, xmin::text from courses"
    )
    columns = (
        "select attname, atttypid, attnotnull from pg_attribute where attrelid = 'courses'::regclass and attnum > 0"
    )
    others = """
        select oid::regprocedure::text, xmin::text from pg_proc where oid::regproc::text = 'update_course_progress'
        union all select enumlabel, xmin::text from pg_enum where enumtypid = 'metric_event_type'::regtype
        union all select indexrelid::regclass::text, xmin::text from pg_index
            where indrelid = 'system_metrics'::regclass
        union all select attname, atttypid::text from pg_attribute where attrelid = 'system_metrics'::regclass
    """
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        conn.execute(THEIRS.encode())
        rows, shape = conn.execute(theirs).fetchall(), conn.execute(columns.encode()).fetchall()
        kept = set(conn.execute(others.encode()).fetchall())
        migrate(new_database_url)
        assert conn.execute(theirs).fetchall() == rows
        assert set(shape) < set(conn.execute(columns.encode()).fetchall())
        assert set(conn.execute(others.encode()).fetchall()) == kept
        assert conn.execute("select count(*) from courses where created_at is null").fetchone() == (0,)
        created = conn.execute("select kind, name from coursegen.created_objects").fetchall()
        assert {kind for kind, _ in created} == {"column", "type"}
        assert ("type", "metric_severity") in created
        assert ("column", "courses.theirs") not in created
        course = new_course(conn)
        progress = conn.execute(
            "select coursegen.update_course_progress(%s, 1, 'completed', 'Готово')", (course,)
        ).fetchone()
        assert progress is not None
        assert progress[0]["percentage"] == 20


def test_the_progress_function_has_its_name_in_public_where_nobody_else_has_it(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, autocommit=True) as conn:
        assert advance(conn, new_course(conn), 1, "completed", "Готово")["percentage"] == 20


def test_every_reader_of_rows_may_ask_what_is_missing(new_database_url: str) -> None:
    migrate(new_database_url)
    with psycopg.connect(new_database_url, row_factory=dict_row) as conn:
        conn.read_only = True
        assert missing(conn) == []


@pytest.fixture
def probe(release: Path) -> Path:
    """A function of the release that a test may replace."""
    file = release / "functions" / "probe_v1.sql"
    file.write_text("create or replace function coursegen.probe_v1(a int) returns int language sql as 'select a + 1';")
    return file


def call(url: str, expression: str, role: str | None = None) -> Any:
    with psycopg.connect(url) as conn:
        if role is not None:
            conn.execute(SQL("set role {}").format(Identifier(role)))
        row = conn.execute(f"select {expression}".encode()).fetchone()
    assert row is not None
    return row[0]


def test_only_a_function_whose_file_changed_is_applied_again(
    new_database_url: str, probe: Path, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(new_database_url)
    before = catalog(new_database_url)
    probe.write_text(probe.read_text().replace("+ 1", "+ 2"))
    assert lacks(new_database_url) == ["probe_v1"]

    caplog.clear()
    with caplog.at_level(logging.INFO, "app.database.migrations"):
        assert migrate(new_database_url) == ["probe_v1"]

    assert lacks(new_database_url) == []
    applied = [record.__dict__["function"] for record in caplog.records if record.message == "function_applied"]
    assert applied == ["probe_v1"]
    changed = {(kind, name) for kind, name, *_ in catalog(new_database_url) ^ before}
    assert changed == {("function", "coursegen.probe_v1(integer)"), ("applied", "probe_v1")}


def test_an_older_release_is_not_disturbed_by_a_newer_ones_migration(
    new_database_url: str, release: Path, probe: Path
) -> None:
    older = probe.read_text()
    migrate(new_database_url)

    later = release / "migrations" / "29991231235959_add_something.sql"
    later.write_text("create table coursegen.something ();")
    probe.write_text(older.replace("+ 1", "+ 2"))
    assert lacks(new_database_url) == [later.stem, "probe_v1"]
    migrate(new_database_url)
    assert call(new_database_url, "coursegen.probe_v1(1)") == 3

    later.unlink()
    probe.write_text(older)
    assert lacks(new_database_url) == []
    # Going back to it for good brings its functions back.
    migrate(new_database_url)
    assert call(new_database_url, "coursegen.probe_v1(1)") == 2
    probe.write_text(older.replace("+ 1", "+ 2"))
    migrate(new_database_url)
    assert call(new_database_url, "coursegen.probe_v1(1)") == 3


def test_the_previous_releases_version_of_a_verb_stays_callable(new_database_url: str, probe: Path) -> None:
    migrate(new_database_url)
    older = probe.read_text()
    newer = probe.with_name("probe_v2.sql")
    newer.write_text(
        "create or replace function coursegen.probe_v2(a int, b int) returns text language sql as 'select ''new''';"
    )
    probe.unlink()
    migrate(new_database_url)
    assert call(new_database_url, "coursegen.probe_v2(1, 2)", "coursegen_app") == "new"
    assert call(new_database_url, "coursegen.probe_v1(1)", "coursegen_app") == 2
    newer.unlink()
    probe.write_text(older)
    assert lacks(new_database_url) == []


def test_no_release_drops_a_function() -> None:
    files = [*(SQL_FOLDER / "functions").rglob("*.sql"), *(SQL_FOLDER / "migrations").glob("*.sql")]
    assert len(files) > len(FUNCTIONS)
    assert [file.name for file in files if "drop function" in file.read_text(encoding="utf-8").lower()] == []


def test_no_two_functions_files_have_the_same_name() -> None:
    assert len(FUNCTIONS) == len(set(FUNCTIONS))


def test_a_migration_that_fails_leaves_nothing_of_itself_and_says_why(
    new_database_url: str, release: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = release / "migrations" / "29991231235959_break_something.sql"
    bad.write_text("create table coursegen.something ();\nselect 1 / 0;")
    with (
        caplog.at_level(logging.INFO, "app.database"),
        pytest.raises(MigrationError, match=rf"{bad.name}: division by zero"),
    ):
        migrate(new_database_url)
    with psycopg.connect(new_database_url) as conn:
        assert conn.execute("select to_regclass('coursegen.something')").fetchone() == (None,)
        assert missing(conn) == [bad.stem, *FUNCTIONS]
    assert [record.message for record in caplog.records] == ["queue_schema_applied"] + ["migration_applied"] * len(
        MIGRATIONS
    )
    bad.unlink()
    migrate(new_database_url)
    assert lacks(new_database_url) == []


def test_a_function_that_does_not_parse_leaves_the_others_as_they_were(new_database_url: str, probe: Path) -> None:
    migrate(new_database_url)
    before = catalog(new_database_url)
    probe.write_text(probe.read_text().replace("+ 1", "+ 2"))
    probe.with_name("zz_broken.sql").write_text("create function coursegen.zz_broken(")
    with pytest.raises(psycopg.errors.SyntaxError):
        migrate(new_database_url)
    assert catalog(new_database_url) == before


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
@pytest.mark.parametrize("query", ["", "sslmode=prefer&connect_timeout=5&options=-c%20statement_timeout%3D60s"])
def test_any_url_that_the_service_connects_with_will_do(new_database_url: str, scheme: str, query: str) -> None:
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
