"""`coursegen platform status`, and what `doctor` says of the platform."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.database.migrations import migrate
from app.generation.progress.steps import ADMITTED_STATUS, FINAL_STATUSES, STEPS
from app.settings import Settings
from tests.integration.platform.conftest import PASSWORD, MakePlatform, login
from tests.integration.platform.courses import COURSE, admit, connect, only, refusals, shown, value, write
from tests.logs import logging_restored


@pytest.fixture
def url(make_platform: MakePlatform) -> str:
    url = make_platform("stage1")
    migrate(url)
    return url


@pytest.fixture
def app(url: str, settings: Settings) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, database_url=url))
        yield app
        app.extensions["services"].close()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=arguments)


def read_map(app: Flask) -> Any:
    return json.loads(run(app, "platform", "status", "--json").stdout)


def test_the_map_is_shown_with_what_may_follow(app: Flask) -> None:
    said = run(app, "platform", "status").stdout
    assert "Map: stage-1; column: generation_status" in said
    assert "analyzing_task, cancelled, failed, processing_documents" in said
    shown_map = read_map(app)
    assert list(shown_map["values"]) == [ADMITTED_STATUS, *dict.fromkeys(s.course_status for s in STEPS.values()), *[
        status for status in shown_map["values"] if status in FINAL_STATUSES
    ]]  # fmt: skip


def test_an_operators_map_is_in_force_until_it_is_recognised_again(app: Flask, url: str, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    given = read_map(app)
    given["values"] |= {"finalizing": None, "completed": "finalizing"}
    file.write_text(json.dumps(given), encoding="utf-8")
    done = run(app, "platform", "status", "--set", str(file), "--reason", "no last step")
    assert done.exit_code == 0, done.output
    migrate(url)
    with connect(url) as conn:
        admit(conn, COURSE)
        for status in ("analyzing_task", "finalizing"):
            write(conn, COURSE, status)
            assert value(conn, COURSE) == "analyzing_task"
        conn.execute(
            "update coursegen.generations"
            " set status = 'completed', finished_at = now(), user_slot = null, system_slot = null"
        )
        write(conn, COURSE, "completed")
        assert (value(conn, COURSE), shown(conn, COURSE), refusals(conn)) == ("finalizing", "finalizing", 0)
        assert only(conn, "select reason from coursegen.audit where action = 'change_status_map'") == "no last step"
    assert run(app, "platform", "status", "--recognise").exit_code == 0
    assert read_map(app)["source"] == "stage-1"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"column": "title"}, "courses has no column title"),
        ({"values": {"started": "pending"}}, "No status of a generation: started"),
        ({"values": {"failed": "broken"}}, "generation_status has no broken"),
        ({"values": {"failed": 7}}, "Each value is a text"),
        ({"changes": {"pending": ["broken"]}}, "generation_status has no broken"),
        ({"changes": ["pending"]}, "has a list of values"),
        ({"column": None}, "Values need the name of their column"),
        ({"values": 1}, 'with "column", "values" and "changes"'),
    ],
)
def test_a_map_that_does_not_fit_is_refused(app: Flask, tmp_path: Path, changed: Any, words: str) -> None:
    file = tmp_path / "map.json"
    before = read_map(app)
    file.write_text(json.dumps(before | changed), encoding="utf-8")
    done = run(app, "platform", "status", "--set", str(file))
    assert (done.exit_code, words in done.stderr) == (1, True), done.stderr
    assert read_map(app) == before


def test_only_the_owner_changes_it(app: Flask, url: str, platform_server: str, settings: Settings) -> None:
    with psycopg.connect(platform_server, autocommit=True) as admin:
        admin.execute(f"create role map_member login password '{PASSWORD}' in role coursegen_app".encode())
        try:
            member = create_app(replace(settings, database_url=login(url, "map_member")))
            done = run(member, "platform", "status", "--use", "publication")
            assert (done.exit_code, "the login that runs `coursegen migrate`" in done.stderr) == (1, True)
            assert run(member, "platform", "status").exit_code == 0
            checked = run(member, "doctor", "--platform")
            assert (checked.exit_code, "The schema coursegen is not map_member's" in checked.stdout) == (1, True)
            member.extensions["services"].close()
        finally:
            admin.execute("drop role map_member")


def test_doctor_shows_the_map_and_what_was_refused(app: Flask, url: str) -> None:
    def finding() -> Any:
        found = json.loads(run(app, "doctor", "--json").stdout)
        return next(row for row in found if row["check"] == "status of courses")

    assert finding()["found"] == "stage-1: written to courses.generation_status"
    with connect(url) as conn:
        conn.execute("alter table courses add check (generation_status <> 'initializing')")
        admit(conn, COURSE)
    refused = finding()
    assert refused["state"] == "warning"
    assert "1 refused within a day, the latest initializing" in refused["found"]
    listed = json.loads(run(app, "events", "--type", "status_refused", "--json").stdout)
    assert [event["course_id"] for event in listed] == [str(COURSE)]


def test_doctor_checks_the_platform_too(app: Flask, url: str) -> None:
    done = run(app, "doctor", "--platform")
    assert (done.exit_code, "by the map stage-1" in done.stdout) == (0, True)
    run(app, "platform", "apply", "deploy/platforms/sections_and_lessons.sql")
    assert "fills neither" in done.stdout
    assert "fills neither" not in run(app, "doctor", "--platform").stdout
    with connect(url) as conn:
        conn.execute(
            "alter table courses rename error_message to error_text; alter table courses add error_message int"
        )
    done = run(app, "doctor", "--platform")
    assert (done.exit_code, "courses.error_message is integer" in done.stdout) == (1, True)


def test_the_status_of_each_stage_is_pythons(url: str) -> None:
    with connect(url) as conn:
        for stage, step in STEPS.items():
            assert (
                only(conn, "select coursegen.stage_status(%s::text::coursegen.stage)", stage.value)
                == step.course_status
            )
