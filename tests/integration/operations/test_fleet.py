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

from app.database.queries import QUERIES
from app.operations.doctor import Finding, State, examine_servers, summarize
from app.services import Services
from app.services.registration import Registration, name_process
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
        ["REDIS_PREFIX", "conflicts", "none"], ["REDIS_PREFIX", "conflicts", "theirs:"],
    ]  # fmt: skip
    assert table[2][3:] == ["in", "api", "host:1"]
    rows: list[dict[str, Any]] = json.loads(run("--json"))
    assert {"setting": "APP_ENV", "value": "test", "state": "same"}.items() <= next(
        row for row in rows if row["setting"] == "APP_ENV"
    ).items()
    assert [line.split()[:2] for line in run(command="processes").splitlines()[1:]] == [["host:1", "api"]]
    [process] = json.loads(run("--json", command="processes"))
    assert (process["is_alive"], "settings" in process) == (True, False)


def test_a_restarted_container_replaces_what_the_one_before_left(services: Services, conn: Conn) -> None:
    name = name_process()
    add_process(conn, name, "worker", services.settings, places=5)
    add_worker(conn, "stages", process=name)
    conn.execute("update coursegen.processes set started_at = now() - interval '1 hour'")
    conn.execute("update coursegen.workers set started_at = now() - interval '1 hour'")
    places = "select coursegen.live_places_v1(20) as n"
    assert conn.execute(places).fetchone() == {"n": 5}
    registration = Registration("worker", services.settings, places=2)
    worker = {"id": 77, "name": "worker", "queues": ["stages"], "jobs": []}
    for _ in range(2):
        with services.db.statement() as own:
            own.execute(QUERIES["keep_worker"], {**worker, **registration.describe()})
        registration.is_kept = True
        assert conn.execute(places).fetchone() == {"n": 2}
    [row] = conn.execute("select started_at > now() - interval '1 minute' as is_new from coursegen.processes")
    assert row["is_new"]


def test_without_a_database_a_sign_of_life_is_missed_and_the_next_one_comes(
    make_services_with: Callable[..., Services], services: Services, conn: Conn, caplog: pytest.LogCaptureFixture
) -> None:
    registration = Registration("api", services.settings)
    away = make_services_with(database_url="postgresql://nobody@127.0.0.1:1/nothing").db
    registration.keep(away)
    assert "process_unregistered" in [record.message for record in caplog.records]
    registration.keep(services.db)
    assert conn.execute("select kind from coursegen.processes").fetchall() == [{"kind": "api"}]
    registration.remove(services.db)
    assert conn.execute("select kind from coursegen.processes").fetchall() == []
