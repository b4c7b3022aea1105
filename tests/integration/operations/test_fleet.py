"""What `doctor` and `coursegen settings` say of the processes together."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.rows import DictRow

from app.operations.doctor import Finding, State, examine_servers, summarize
from app.services import Services
from app.settings import Settings
from tests.integration.factories import add_process, add_worker
from tests.integration.operations.rows import Past, minutes

Conn = psycopg.Connection[DictRow]


@pytest.fixture
def say(services: Services) -> Callable[[str], Finding]:
    """A function that makes the finding of a check."""
    return lambda check: next(finding for finding in examine_servers(services) if finding.check == check)


def test_a_limit_above_the_places_of_live_workers_is_a_warning(
    say: Callable[[str], Finding], conn: Conn, settings: Settings
) -> None:
    check = "places of workers"
    assert say(check).state is State.OK  # nobody lives: that is another finding
    add_worker(conn, "stages")
    assert (say(check).state, say(check).found) == (State.OK, "unknown")  # of an earlier release
    add_process(conn, "host:1", "worker", settings, places=2)
    short = say(check)
    assert (short.state, short.found) == (State.WARNING, "2 for stages, and 3 generations may be active")
    assert summarize([short]) == "Live workers run fewer stages at once (2) than the limit allows (3)."
    conn.execute("insert into coursegen.controls (name, value, set_by) values ('limit', 2, 'test')")
    assert say(check).state is State.OK
    conn.execute("delete from coursegen.controls; update coursegen.processes set places = 3")
    assert say(check).state is State.OK
    conn.execute("update coursegen.workers set last_heartbeat = now() - interval '1 hour'")
    assert say(check).found == "unknown"


def test_versions_and_settings_of_live_processes_are_compared(
    say: Callable[[str], Finding], conn: Conn, settings: Settings
) -> None:
    add_process(conn, "host:1", "api", settings)
    add_process(conn, "host:2", "worker", replace(settings, pool_size=99, app_version="0.0.1"), silent_s=60)
    assert (say("versions").state, say("settings of processes").found) == (State.OK, "agree")
    conn.execute("update coursegen.processes set seen_at = now()")
    assert (say("versions").state, say("settings of processes").state) == (State.WARNING, State.OK)
    add_process(conn, "host:3", "worker", replace(settings, old_stack="beside", stage_timeout_s=1))
    found = say("settings of processes")
    assert (found.state, found.found) == (State.WARNING, "conflict: OLD_STACK, STAGE_TIMEOUT_S")


def test_one_that_is_overtaken_is_a_warning_and_shown_in_the_queue(say: Callable[[str], Finding], conn: Conn) -> None:
    past, now = Past(conn), datetime.now(UTC)
    past.generation(now - minutes(40))
    assert say("order of the queue").state is State.OK
    past.generation(now - minutes(20), now, "completed", tier="PREMIUM", priority=10, started_at=now)
    found = say("order of the queue")
    assert (found.state, summarize([found])) == (
        State.WARNING, "One generation has been overtaken in the queue for 40 min.",
    )  # fmt: skip


def test_the_command_names_the_processes_that_differ(app: Flask, conn: Conn, settings: Settings) -> None:
    add_process(conn, "host:1", "api", replace(settings, redis_prefix="theirs:"))

    def run(*arguments: str, command: str = "settings") -> str:
        result = app.test_cli_runner().invoke(args=[command, *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    table = [line.split() for line in run("--differing").splitlines()]
    assert [line[:3] for line in table[1:]] == [
        ["REDIS_PREFIX", "none", "conflicts"], ["REDIS_PREFIX", "theirs:", "conflicts"],
    ]  # fmt: skip
    assert table[2][3:] == ["api", "host:1"]
    rows: list[dict[str, Any]] = json.loads(run("--json"))
    assert {"setting": "APP_ENV", "value": "test", "state": "same"}.items() <= next(
        row for row in rows if row["setting"] == "APP_ENV"
    ).items()
    assert [line.split()[:2] for line in run(command="processes").splitlines()[1:]] == [["host:1", "api"]]
    [process] = json.loads(run("--json", command="processes"))
    assert (process["is_alive"], "settings" in process) == (True, False)
