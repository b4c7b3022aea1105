"""The files themselves: each runs under psql as it stands, and the loader understands what it leaves out."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.database.pool import Database
from app.operations.reports import DEFAULT_SINCE, REPORTS, load_reports, read_statement, run_report
from tests.integration.operations.conftest import FILES, RunPsql
from tests.integration.operations.rows import Past

ROOT = FILES.parents[1]


@pytest.mark.parametrize("name", REPORTS)
def test_a_file_runs_without_any_option(past: Past, run_psql: RunPsql, name: str) -> None:
    done = run_psql(name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "(0 rows)" in done.stdout


@pytest.mark.parametrize("name", REPORTS)
def test_a_file_says_what_it_answers_and_includes_the_one_that_says_how_it_is_run(name: str) -> None:
    assert "\n\\ir since.psql\n" in (FILES / f"{name}.sql").read_text(encoding="utf-8")
    shared = (FILES / "since.psql").read_text(encoding="utf-8")
    assert '--     psql "$DATABASE_URL" -v since=24h -f sql/metrics/' in shared
    assert REPORTS[name].question.endswith("?")


@pytest.mark.parametrize("name", REPORTS)
def test_a_statement_has_no_variable_but_the_known_ones(name: str) -> None:
    statement = REPORTS[name].statement
    assert set(re.findall(r"%\((\w+)\)s", statement)) <= {"since", "slots"}
    assert not re.search(r"(?<![:\w]):[\"'{\w]", statement)
    assert ";" not in statement


def test_psql_stops_at_a_since_that_is_no_time(past: Past, run_psql: RunPsql) -> None:
    done = run_psql("refusals", "-v", "since=soon'; drop table courses; --")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "invalid input syntax" in done.stderr


def test_both_begin_with_the_same_default(past: Past, reports_db: Database) -> None:
    assert DEFAULT_SINCE == "7d"
    since = run_report(reports_db, REPORTS["refusals"], DEFAULT_SINCE, {}).since
    assert timedelta(0) <= datetime.now(UTC) - since - timedelta(days=7) < timedelta(seconds=10)


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01 12:30", "2026-11-01T12:30:00+00:00"),
        ("2026-11-01T12:30:15.5", "2026-11-01T12:30:15.500000+00:00"),
        ("2026-11-01T12:30Z", "2026-11-01T12:30:00+00:00"),
        ("2026-11-01T12:30+03", "2026-11-01T09:30:00+00:00"),
        ("2026-11-01T12:30-0330", "2026-11-01T16:00:00+00:00"),
        ("2026-11-01 12:30 Europe/Berlin", "2026-11-01T11:30:00+00:00"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"])
def test_a_time_is_in_utc_unless_it_says_otherwise(
    past: Past, reports_db: Database, run_psql: RunPsql, tmp_path: Path, since: str, meant: str, zone: str
) -> None:
    assert run_report(reports_db, REPORTS["refusals"], since, {}).since == datetime.fromisoformat(meant)
    echo = tmp_path / "echo.psql"
    echo.write_text(f"\\i '{FILES}/since.psql'\n\\echo :since\n")
    done = run_psql(echo, "-v", f"since={since}", environment={"PGTZ": zone})
    assert (done.returncode, done.stderr) == (0, "")
    at = datetime.fromisoformat(done.stdout.strip())
    assert at == datetime.fromisoformat(meant)


def test_what_speaks_to_psql_alone_is_left_out() -> None:
    text = "-- a: b?\n\n\\ir since.psql\n\\if :{?x}\n\\else\n    \\set x '1%'\n\\endif\nselect :'x'::text, '%';  \n"
    assert read_statement(text) == "select %(x)s::text, '%%'"


def test_a_file_without_its_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- b: what?\n--\n-- How to read it: so.\nselect 1;\n")
    with pytest.raises(ValueError, match=r"a\.sql"):
        load_reports(tmp_path)


def test_every_metric_is_documented_and_no_other() -> None:
    _, reports = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8").split("\n## Reports\n")
    assert re.findall(r"^\| `(\w+)` \|", reports, re.MULTILINE) == list(REPORTS)
