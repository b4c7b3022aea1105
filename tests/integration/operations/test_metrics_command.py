"""`coursegen metrics`: its formats, and its messages when there is nothing to report."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow

from app import create_app
from app.cli.metrics_command import command
from app.operations import reports
from app.operations.reports import REPORTS, Report
from app.settings import Settings
from tests.integration.operations.rows import BOB, Past, minutes
from tests.logs import logging_restored

NOWHERE = "postgresql://nobody:hunter2@127.0.0.1:9/nothing"
AT = datetime.now(UTC) - timedelta(hours=2)


@pytest.fixture
def past(conn: psycopg.Connection[DictRow]) -> Past:
    """One completed generation by each of two ways in, and one that failed with an error of many characters."""
    past = Past(conn)
    past.generation(AT, AT + minutes(1))
    past.generation(AT, AT + minutes(1), "cancelled", source="trpc")
    failed = past.generation(AT, AT + minutes(1), "failed", user_id=BOB)
    past.attempt(failed, "FINALIZATION", AT, minutes(1), "failed", error='Ошибка: "a", b\x1b[31m;\tc\nand more')
    return past


def run(app: Flask, *arguments: str) -> Result:
    if "metrics" not in app.cli.commands:
        app.cli.add_command(command)
    return app.test_cli_runner().invoke(args=["metrics", *arguments])


def output(app: Flask, *arguments: str) -> str:
    done = run(app, *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


@contextmanager
def serving(settings: Settings, **changed: Any) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, **changed))
        yield app
        app.extensions["services"].close()


def test_without_a_name_the_metrics_are_listed_with_their_questions(settings: Settings) -> None:
    with serving(settings, database_url=NOWHERE) as app:
        lines = output(app).splitlines()
        as_json, as_csv = json.loads(output(app, "--json")), output(app, "--format", "csv").splitlines()
    assert [row["name"] for row in as_json] == sorted(REPORTS)
    assert [line.split(",")[0] for line in as_csv] == ["name", *sorted(REPORTS)]
    assert [line.split()[0] for line in lines] == sorted(REPORTS)
    assert "success_rate        of the generations that ended, how many were completed, by source?" in lines


def test_a_table_is_aligned_under_the_time_it_begins_with(app: Flask, past: Past) -> None:
    since, *lines = output(app, "success_rate", "--since", "2026-01-02T03:04+01:00").splitlines()
    assert since == "since 2026-01-02 02:04 UTC"
    assert lines == [
        "source  ended  completed  failed  cancelled  success_percent",
        "http        2          1       1          0             50.0",
        "trpc        1          0       0          1                -",
    ]


def test_a_table_obeys_nothing_that_stands_in_an_error(app: Flask, past: Past) -> None:
    lines = output(app, "failure_causes").splitlines()
    assert len(lines) == 3
    assert 'Ошибка: "a", b [31m; c  ' in lines[2]


def test_an_empty_table_says_so(app: Flask) -> None:
    _, nothing = output(app, "refusals").splitlines()
    assert nothing == "nothing"


def test_csv_has_a_heading_and_quotes_what_needs_it(app: Flask, past: Past) -> None:
    text = output(app, "failure_causes", "--format", "csv")
    assert '"Ошибка: ""a"", b\x1b[31m;\tc"' in text
    heading, row = csv.reader(io.StringIO(text))
    assert heading[:4] == ["stage", "cause", "error", "failures"]
    assert row[:4] == ["FINALIZATION", "failed", 'Ошибка: "a", b\x1b[31m;\tc', "1"]
    assert output(app, "refusals", "--format", "csv") == "tier,kind,refusals,users,last_at\n"


def test_json_is_a_list_of_objects_with_numbers_and_null(app: Flask, past: Past) -> None:
    counts = {"ended": 1, "completed": 0, "failed": 0, "cancelled": 1, "success_percent": None}
    rows = json.loads(output(app, "success_rate", "--format", "json"))
    assert rows[0]["success_percent"] == 50.0
    assert rows[1] == {"source": "trpc", **counts}
    assert json.loads(output(app, "refusals", "--format", "json")) == []
    assert "Ошибка" in output(app, "failure_causes", "--format", "json")


def test_slots_are_those_of_the_settings(app: Flask, past: Past, settings: Settings) -> None:
    rows = json.loads(output(app, "slot_use", "--format", "json"))
    assert {row["slots"] for row in rows} == {settings.global_concurrency_limit}


def test_an_interval_reaches_back_from_now(app: Flask, past: Past) -> None:
    assert json.loads(output(app, "success_rate", "--since", "3h", "--format", "json"))
    assert json.loads(output(app, "success_rate", "--since", "90 minutes", "--format", "json")) == []


def test_an_unknown_metric_is_answered_with_the_names(app: Flask) -> None:
    done = run(app, "succes_rate")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert all(repr(name) in done.stderr for name in REPORTS)


@pytest.mark.parametrize(
    "since", ["soon", "", "7", "2026", "-7d", "2026-13-01", "2026-02-30", "7d'; drop table courses", "\x00", "\udcff"]
)
def test_a_since_that_is_no_time_is_refused(app: Flask, since: str) -> None:
    done = run(app, "refusals", "--since", since)
    assert (done.exit_code, done.stdout) == (2, "")
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: Invalid value for '--since': ")
    assert error.endswith("is neither an interval like 24h or 7d, nor a time like 2026-11-01.")


@pytest.mark.parametrize("since", ["2999-01-01", "7d ago"])
def test_a_since_to_come_is_refused(app: Flask, since: str) -> None:
    done = run(app, "refusals", "--since", since)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: Invalid value for '--since': {since!r} is in the future."


def test_an_unmigrated_database_says_what_to_run(settings: Settings, empty_database_url: str) -> None:
    with serving(settings, database_url=empty_database_url) as app:
        done = run(app, "refusals")
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: The database is not migrated: run `coursegen migrate`.")


def test_a_metric_that_takes_too_long_is_stopped(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REPORTS, "refusals", Report("refusals", "?", "select pg_sleep(60)"))
    monkeypatch.setattr(reports, "STATEMENT_TIMEOUT_S", 0.2)
    done = run(app, "refusals")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "ask for less by --since" in done.stderr


def test_a_metric_writes_nothing(app: Flask, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REPORTS, "refusals", Report("refusals", "?", "delete from coursegen.generations returning 1"))
    done = run(app, "refusals")
    assert done.exit_code == 1
    assert "read-only transaction" in done.stderr
    assert json.loads(output(app, "success_rate", "--format", "json"))
