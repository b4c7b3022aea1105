"""A database whose defaults for sessions are odd: migration, API, worker and commands go on as everywhere."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from app import create_app
from app.database.migrations import migrate
from app.database.pool import LIMITS, Database
from app.database.session import SETTINGS
from app.operations.doctor import State, examine
from app.settings import Settings
from tasks.worker_app import make_app
from tests.integration.conftest import service_login
from tests.integration.factories import MakeToken, insert_course
from tests.logs import logging_restored

STRANGE = {
    "search_path": "nowhere",
    "timezone": "Asia/Kathmandu",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "client_min_messages": "debug1",
}
STRICT = {
    "default_transaction_isolation": "serializable",
    "row_security": "off",
    "statement_timeout": "50ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "10ms",
    "idle_session_timeout": "200ms",
    "transaction_timeout": "50ms",
}
PROFILES = {
    "German dates": {"datestyle": "German", **STRANGE},
    "SQL dates": {"datestyle": "SQL, DMY", "lc_messages": "C"},
    "Postgres dates": {"datestyle": "Postgres, MDY", "standard_conforming_strings": "off"},
    "strict": STRICT,
    "all": {"datestyle": "SQL, DMY", **STRANGE, **STRICT},
}
COMMANDS = [["generations", "list"], ["events"], ["slots", "--rebuild"], ["metrics", "daily_summary"]]


@pytest.fixture(params=PROFILES)
def odd_url(request: pytest.FixtureRequest, empty_database_url: str) -> Iterator[str]:
    """A migrated database with the profile's defaults, for the service's own login."""
    tame = "-c statement_timeout=0 -c idle_session_timeout=0 -c transaction_timeout=0 -c search_path=public"
    with psycopg.connect(empty_database_url, autocommit=True, options=tame) as conn:
        known = {name for (name,) in conn.execute("select name from pg_settings").fetchall()}
        for name, value in PROFILES[request.param].items():
            if name in known or name.lower() in {n.lower() for n in known}:
                statement = sql.SQL("alter database {} set {} = {}")
                conn.execute(statement.format(sql.Identifier(conn.info.dbname), sql.SQL(name), sql.Literal(value)))
        migrate(empty_database_url)
        with service_login(conn) as (login, password):
            parts = urlsplit(empty_database_url)
            yield urlunsplit(parts._replace(netloc=f"{login}:{password}@{conn.info.host}:{conn.info.port}"))


def test_a_generation_is_started_polled_completed_and_listed(
    clean: None, settings: Settings, odd_url: str, empty_database_url: str, token: MakeToken, tmp_path: Path
) -> None:
    settings = replace(settings, database_url=odd_url, files_root=tmp_path)
    with psycopg.connect(
        empty_database_url, autocommit=True, options="-c statement_timeout=0", client_encoding="UTF8"
    ) as conn:
        conn.execute("set search_path = public; set standard_conforming_strings = on")
        course = insert_course(conn, title="Курс о камнях")
    headers = {"Authorization": f"Bearer {token(course.user_id)}"}
    with logging_restored():
        app = create_app(settings)
        client = app.test_client()
        assert client.get("/readyz").json["status"] == "ready"  # type: ignore[index]
        assert (
            client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=headers).status_code
            == 200
        )
        worker = make_app(settings)

        async def work() -> None:
            async with worker.open_async():
                await worker.run_worker_async(wait=False, install_signal_handlers=False, queues=["stages"])

        asyncio.run(work())
        worker.children.stop()
        status = client.get(f"/api/courses/{course.slug}/check-status", headers=headers)
        assert status.json["currentStatus"] == "completed"  # type: ignore[index]
        assert status.json["createdAt"].endswith("Z")  # type: ignore[index]
        assert client.get("/metrics").status_code == 200
        for command in COMMANDS:
            result = app.test_cli_runner().invoke(args=command)
            assert (command, result.exit_code, result.exception) == (command, 0, None), result.output
        findings = examine(app.extensions["services"])
        problems = [finding.check for finding in findings if finding.state is State.ERROR]
        assert problems == ["workers of stages", "workers of upkeep"]
        app.extensions["services"].close()


def test_every_session_of_the_pool_has_the_settings(odd_url: str) -> None:
    database = Database(odd_url, 1)
    with database.connection() as conn:
        for name, value in {**SETTINGS, **LIMITS}.items():
            row = conn.execute(
                "select current_setting(%s) as value, set_config(%s, %s, true) as wanted", [name, name, value]
            )
            [found] = row.fetchall()
            assert found["value"] == found["wanted"]
    database.close()
