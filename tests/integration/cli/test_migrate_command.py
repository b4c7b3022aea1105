import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.cli.command_setup import operator
from app.database import migrations
from app.database.queries import SQL
from app.settings import Settings
from tests.integration.factories import insert_course
from tests.logs import logging_restored


@pytest.fixture
def app(settings: Settings, empty_database_url: str) -> Iterator[Flask]:
    """The application of an empty database."""
    with logging_restored():
        app = create_app(replace(settings, database_url=empty_database_url))
        yield app
        app.extensions["services"].close()


def run(app: Flask, *options: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["migrate", *options], input=typed)


def test_check_says_what_would_be_applied_and_changes_nothing(app: Flask, empty_database_url: str) -> None:
    done = run(app, "--check")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("Would be applied: procrastinate, 20261129000001_coursegen")
    with psycopg.connect(empty_database_url) as conn:
        assert conn.execute("select to_regnamespace('coursegen')").fetchone() == (None,)
    assert run(app).exit_code == 0
    done = run(app, "--check")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "The database is up to date.")


def test_a_migration_is_a_row_of_the_audit_when_it_applied_something(app: Flask, empty_database_url: str) -> None:
    run(app)
    run(app)
    with psycopg.connect(empty_database_url) as conn:
        rows = conn.execute(
            "select actor, action, details ->> 'role', details -> 'applied' ? 'begin_stage_v1' from coursegen.audit"
        ).fetchall()
        assert rows == [(operator().name, "migrate", conn.info.user, True)]


def test_rollback_asks_first(app: Flask, empty_database_url: str) -> None:
    run(app)
    assert run(app, "--rollback", typed="n\n").exit_code == 1
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        insert_course(conn)
        done = run(app, "--rollback", "--yes", "--export", "/proc/export")
        assert (done.exit_code, "/proc/export can't be written" in done.stderr) == (1, True)
        assert conn.execute("delete from courses").rowcount == 1
    assert run(app, "--check").exit_code == 0
    done = run(app, "--rollback", typed="y\n")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "The database is as it was before this service.")
    with psycopg.connect(empty_database_url) as conn:
        tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
        assert conn.execute(tables.encode()).fetchone() == (0,)


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a migration that this release has beside the delivered ones."""
    name = "20991231000001_notes"
    shutil.copytree(SQL, tmp_path / "sql")
    text = "create table coursegen.notes (id int);\n-- migrate:down\ndrop table coursegen.notes;\n"
    (tmp_path / "sql" / "migrations" / f"{name}.sql").write_text(text)
    monkeypatch.setattr(migrations, "SQL", tmp_path / "sql")
    return name


def test_rollback_to_a_version_names_what_it_will_undo_and_asks(
    app: Flask, empty_database_url: str, later: str
) -> None:
    run(app)
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        names = [name for (name,) in conn.execute("select name from coursegen.applied_migrations order by version")]
        version = names[-2].partition("_")[0]
        for typed in ("n\n", None):
            done = run(app, "--rollback", version, typed=typed)
            assert (done.exit_code, later in done.stdout) == (1, True)
            assert done.stderr.endswith("Error: Nothing was undone. Answer y, or add --yes.\n")
            assert conn.execute("select to_regclass('coursegen.notes')").fetchone() != (None,)
        done = run(app, "--rollback", version, typed="y\n")
        assert (done.exit_code, f"Undone: {later}" in done.stdout.splitlines()) == (0, True)
        assert conn.execute("select to_regclass('coursegen.notes')").fetchone() == (None,)
        audited = conn.execute("select actor, details -> 'undone' from coursegen.audit where action = 'rollback'")
        assert audited.fetchall() == [(operator().name, [later])]
        for again in range(2):  # from habit
            done = run(app, "--rollback", version, "--yes")
            assert (done.exit_code, "Undone" in done.stdout) == (0, False), again
        assert conn.execute("select count(*) from coursegen.audit where action = 'rollback'").fetchone() == (1,)


def test_rollback_to_a_version_is_refused_under_a_live_worker_and_for_what_is_not_applied(
    app: Flask, empty_database_url: str, later: str
) -> None:
    run(app)
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute("insert into procrastinate_workers (last_heartbeat) values (now())")
        for version, refusal in [("20261129000001", "Stop API and workers first"), ("1", "1 is not applied here")]:
            done = run(app, "--rollback", version, "--yes")
            assert (done.exit_code, refusal in done.stderr) == (1, True), done.stderr
        assert run(app, "--check").exit_code == 0


@pytest.mark.parametrize("options", [["--rollback", "--check"], ["--rollback", "1", "--export", "folder"]])
def test_options_that_exclude_each_other_are_refused(app: Flask, options: list[str]) -> None:
    assert run(app, *options).exit_code == 2


def test_what_rollback_refuses_is_one_line_and_an_exit_code(
    app: Flask, empty_database_url: str, tmp_path: Path
) -> None:
    run(app)
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute("insert into courses (user_id, title, slug) values (gen_random_uuid(), 'Курс', 'course')")
        done = run(app, "--rollback", "--yes")
        assert done.exit_code == 1
        assert "1 rows of courses would be lost" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert run(app, "--rollback", "--yes", "--export", str(tmp_path)).exit_code == 0
    assert "Курс" in (tmp_path / "courses.json").read_text(encoding="utf-8")


def test_a_database_that_is_not_migrated_has_nothing_to_roll_back(app: Flask) -> None:
    done = run(app, "--rollback", "--yes")
    assert (done.exit_code, done.stderr) == (1, "Error: There is nothing to roll back: the database is not migrated\n")
