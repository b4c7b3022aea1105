"""`coursegen pause`, `resume`, `limit`, `aging` and `tiers`."""

import json
import re
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from psycopg.rows import DictRow

from app.generation.errors import SystemFull
from app.generation.tiers import Tier
from app.operations.doctor import State, examine_servers, summarize
from app.services import Services
from tests.integration.cli.test_cli import environment, flask, run
from tests.integration.factories import MakeCourse
from tests.integration.generation.conftest import admit_course, rows

__all__ = ["admit_course", "environment"]

Connection = psycopg.Connection[DictRow]


def done(app: Flask, *arguments: str) -> str:
    result: Result = run(app, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def refused(app: Flask, *arguments: str) -> str:
    result: Result = run(app, *arguments)
    assert result.exit_code != 0
    return result.stderr


def test_controls_are_shown_set_and_cleared(app: Flask, services: Services, conn: Connection) -> None:
    assert done(app, "pause") == done(app, "resume") == "Nothing is paused or overridden."
    assert done(app, "limit") == "3 at once; GLOBAL_CONCURRENCY_LIMIT is 3"
    assert done(app, "pause", "admissions", "--reason", "a release") == "Paused: admissions"
    assert done(app, "pause", "stages", "--stage", "FINALIZATION") == "Paused: stage:FINALIZATION"
    assert re.fullmatch(r"5 at once, set by cli:\S+; GLOBAL_CONCURRENCY_LIMIT is 3", done(app, "limit", "5"))
    shown = {row["name"]: row for row in json.loads(done(app, "pause", "--json"))}
    values = {name: row["value"] for name, row in shown.items()}
    assert values == {"admissions": None, "limit": 5, "stage:FINALIZATION": None}
    who = shown["admissions"]["set_by"]
    assert (who[:4], shown["admissions"]["reason"]) == ("cli:", "a release")
    findings = {finding.check: finding for finding in examine_servers(services)}
    assert findings["admissions"].state is findings["stages"].state is State.WARNING
    assert findings["admissions"].found == f"paused by {who}: a release"
    assert findings["stages"].found.startswith("paused: FINALIZATION by cli:")
    assert "dmissions are paused; stages are paused" in summarize(list(findings.values()))
    assert done(app, "resume", "admissions") == "Resumed: admissions"
    findings = {finding.check: finding for finding in examine_servers(services)}
    assert findings["admissions"].found == f"5 at once by {who}; GLOBAL_CONCURRENCY_LIMIT is 3"
    assert done(app, "resume", "stages") == "Resumed: stages"
    assert done(app, "limit", "--reset") == "3 at once; GLOBAL_CONCURRENCY_LIMIT is 3"
    assert done(app, "tiers").splitlines()[1].split() == ["FREE", "1", "1"]
    actions = [row["action"] for row in rows(conn, "select action from coursegen.audit order by id")]
    assert actions == [
        *("pause_admissions", "pause_stages", "set_limit", "resume_admissions", "resume_stages", "reset_limit"),
    ]


def test_what_makes_no_sense_is_refused_in_a_sentence(app: Flask, conn: Connection) -> None:
    assert "admissions is not paused" in refused(app, "resume", "admissions")
    assert "between 3 and 10" in refused(app, "limit", "11")
    assert "nothing to reset" in refused(app, "limit", "--reset")
    assert "--stage goes with" in refused(app, "pause", "admissions", "--stage", "FINALIZATION")
    assert "--stage goes with" in refused(app, "pause", "--stage", "FINALIZATION")
    assert "Name a limit, or --reset" in refused(app, "limit", "4", "--reset")
    assert "Name --slots or --priority" in refused(app, "tiers", "set", "FREE")
    assert "between 1 and 10000" in refused(app, "tiers", "set", "FREE", "--slots", "0")
    assert rows(conn, "select from coursegen.audit") == []


def test_the_aging_of_priorities_is_set_and_taken_back(app: Flask, conn: Connection) -> None:
    assert done(app, "aging") == "never; PRIORITY_AGING_S is 0"
    assert re.fullmatch(r"after 600 s, set by cli:\S+; PRIORITY_AGING_S is 0", done(app, "aging", "600"))
    assert conn.execute("select value from coursegen.controls where name = 'aging'").fetchall() == [{"value": 600}]
    assert done(app, "aging", "--reset") == "never; PRIORITY_AGING_S is 0"
    assert "nothing to reset" in refused(app, "aging", "--reset")
    assert "Name a number of seconds, or --reset" in refused(app, "aging", "4", "--reset")


def test_a_limit_set_by_another_process_is_obeyed_at_once(
    environment: dict[str, str], services: Services, conn: Connection, make_course: MakeCourse, admit_course: Any
) -> None:
    for _ in range(3):
        admit_course(services, make_course())
    with pytest.raises(SystemFull):
        admit_course(services, make_course(), Tier.PREMIUM)
    assert flask(environment, "limit", "4", "--reason", "more workers").returncode == 0
    admit_course(services, make_course())
    with pytest.raises(SystemFull) as full:
        admit_course(services, make_course())
    assert (full.value.system_limit, full.value.system_active) == (4, 4)
