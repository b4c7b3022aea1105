from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.cli.command_setup import operator
from app.settings import Settings
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
    assert run(app, "--check").exit_code == 0
    done = run(app, "--rollback", typed="y\n")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "The database is as it was before this service.")
    with psycopg.connect(empty_database_url) as conn:
        tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
        assert conn.execute(tables.encode()).fetchone() == (0,)


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
