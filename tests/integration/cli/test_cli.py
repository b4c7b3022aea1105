"""The operator's commands, run as an operator runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import psycopg
import pytest
import redis
from click.testing import Result
from flask import Flask

from app import create_app
from app.generation.admission.requests import Order
from app.generation.callers import Caller, Role
from app.generation.tiers import Tier
from app.http.authentication import authenticate
from app.services import Services
from app.settings import Settings
from tests.integration.factories import MakeCourse, add_worker
from tests.jwks import jwks_endpoint, make_key
from tests.logs import logging_restored
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def environment(clean: None, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
        "APP_ENV": "test",
    }


def flask(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "flask", "--app", "wsgi", *arguments]
    # Coverage of subprocesses, where it is measured, is asked for by the environment.
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    return subprocess.run(
        command, cwd=ROOT, env={**measured, **environment}, capture_output=True, text=True, timeout=30, check=False
    )


def start(services: Services, make_course: MakeCourse, user_id: UUID) -> None:
    course = make_course(user_id=user_id)
    services.admissions.admit(Caller(user_id, Tier.PREMIUM), Order(course.id))


@pytest.fixture
def holders(services: Services, make_course: MakeCourse) -> list[UUID]:
    """Two users, the first of whom holds two slots and the second one."""
    users = sorted([uuid4(), uuid4()], key=str)
    for user in (users[0], users[0], users[1]):
        start(services, make_course, user)
    return users


def run(app: Flask, *arguments: str) -> Result:
    """The command in this process."""
    return app.test_cli_runner().invoke(args=arguments)


def rows(app: Flask, *options: str) -> object:
    done = run(app, "slots", "--json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def row(holder: object, postgresql: int, in_redis: int | None) -> dict[str, object]:
    drift = None if in_redis is None else in_redis - postgresql
    return {"holder": str(holder), "postgresql": postgresql, "redis": in_redis, "drift": drift}


def test_slots_without_holders_are_a_table_of_one_line(environment: dict[str, str]) -> None:
    done = flask(environment, "slots")
    assert done.returncode == 0, done.stderr
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["holder", "postgresql", "redis", "drift"]
    assert line.split() == ["global", "0", "0", "0"]


def test_slots_are_shown_by_holder(app: Flask, holders: list[UUID]) -> None:
    done = run(app, "slots")
    assert done.exit_code == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert lines == [["global", "3", "3", "0"], [str(holders[0]), "2", "2", "0"], [str(holders[1]), "1", "1", "0"]]
    assert rows(app) == [row("global", 3, 3), row(holders[0], 2, 2), row(holders[1], 1, 1)]


def test_slots_show_what_drifted_and_rebuild_puts_it_right(
    app: Flask, holders: list[UUID], redis_client: "redis.Redis"
) -> None:
    stranger = uuid4()
    redis_client.delete(f"concurrency:user:{holders[0]}", f"concurrency:user:{holders[0]}:numbers")
    for key in (f"concurrency:user:{stranger}", "concurrency:global"):
        redis_client.zadd(key, {str(uuid4()): 1})
        redis_client.zadd(f"{key}:numbers", {str(uuid4()): 9})
    drifted = [row(holders[0], 2, 0), row(holders[1], 1, 1), row(stranger, 0, 1)]
    assert rows(app) == [row("global", 3, 4), *sorted(drifted, key=lambda shown: str(shown["holder"]))]
    table = run(app, "slots").stdout
    assert "+1" in table
    assert "-2" in table
    assert rows(app, "--rebuild") == [row("global", 3, 3), row(holders[0], 2, 2), row(holders[1], 1, 1)]


def test_slots_without_redis_say_that_it_is_away(environment: dict[str, str], holders: list[UUID]) -> None:
    environment["REDIS_URL"] = f"redis://{NOWHERE}/0"
    done = flask(environment, "slots", "--rebuild", "--json")
    assert done.returncode == 0, done.stderr
    expected = [row("global", 3, None), row(holders[0], 2, None), row(holders[1], 1, None)]
    assert json.loads(done.stdout) == expected


def test_a_table_without_redis_says_that_it_is_away(clean: None, settings: Settings) -> None:
    with serving(settings, redis_url=f"redis://{NOWHERE}/0") as app:
        done = run(app, "slots")
    assert done.stdout.splitlines()[1].split() == ["global", "0", "away", "?"]
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["redis_unavailable"]


@contextmanager
def serving(settings: Settings, **changed: Any) -> Iterator[Flask]:
    with logging_restored():
        app = create_app(replace(settings, **changed))
        yield app
        app.extensions["services"].close()


@pytest.mark.parametrize("command", ["slots", "migrate"])
def test_a_command_without_a_database_ends_with_one_clear_line(settings: Settings, command: str) -> None:
    with serving(settings, database_url=f"postgresql://nobody:hunter2@{NOWHERE}/nothing") as app:
        done = run(app, command)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: The database nothing at 127.0.0.1:9 can't be used: Connection refused\n"


def test_slots_of_an_unmigrated_database_say_what_to_run(settings: Settings, empty_database_url: str) -> None:
    with serving(settings, database_url=empty_database_url) as app:
        done = run(app, "slots")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: The database is not migrated: run `coursegen migrate`.")


@pytest.mark.usefixtures("clean")
def test_migrate_brings_a_database_up_to_date_once(settings: Settings, empty_database_url: str) -> None:
    with serving(settings, database_url=empty_database_url) as app:
        first = run(app, "migrate")
        assert (first.exit_code, first.stdout) == (0, "The database is up to date.\n"), first.stderr
        assert "migration_applied" in first.stderr
        second = run(app, "migrate")
        assert (second.exit_code, second.stdout, second.stderr) == (0, "The database is up to date.\n", "")
        assert rows(app) == [row("global", 0, 0)]


def test_a_command_without_settings_names_them(environment: dict[str, str]) -> None:
    del environment["DATABASE_URL"]
    environment["JWT_SECRET"] = "hunter2"
    done = flask(environment, "slots")
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "JWT_SECRET" in done.stderr
    assert "hunter2" not in done.stderr


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, ["HS256"], audience="authenticated")
    return claims


def test_a_minted_token_is_taken_for_what_it_says(settings: Settings) -> None:
    user = uuid4()
    with serving(settings, jwt_issuer="https://auth.example") as app:
        done = run(app, "token", "--user", str(user), "--tier", "premium", "--admin", "--expires", "2h")
        assert done.exit_code == 0, done.stderr
        [token] = done.stdout.splitlines()
        with app.test_request_context(headers={"Authorization": f"Bearer {token}"}):
            app.preprocess_request()
            assert authenticate() == Caller(user, Tier.PREMIUM, Role.SUPERADMIN)
            app.do_teardown_request()
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 2 * 3600


def test_a_minted_token_is_by_default_a_free_user_s_for_an_hour(app: Flask) -> None:
    claims = claims_of(run(app, "token", "--user", str(uuid4())).stdout.strip())
    assert claims["app_metadata"] == {"tier": "FREE"}
    assert claims["exp"] - claims["iat"] == 3600


def test_the_tier_is_minted_where_the_service_looks_for_it(settings: Settings) -> None:
    with serving(settings, tier_claims=("plan.name", "app_metadata.tier")) as app:
        claims = claims_of(run(app, "token", "--user", str(uuid4()), "--tier", "TRIAL").stdout.strip())
    assert (claims["plan"], claims["app_metadata"]) == ({"name": "TRIAL"}, {})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"app_env": "production"}, "APP_ENV is production"),
        ({"jwt_secret": None, "jwt_jwks_url": "http://127.0.0.1:9/"}, "no JWT_SECRET"),
    ],
    ids=str,
)
def test_no_token_is_minted_where_it_must_not_or_cannot_be(
    settings: Settings, changed: dict[str, Any], told: str
) -> None:
    with serving(settings, **changed) as app:
        done = run(app, "token", "--user", str(uuid4()))
    assert (done.exit_code, done.stdout) == (1, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--user", "42"],
        ["--user", str(UUID(int=1)), "--tier", "GOLD"],
        ["--user", str(UUID(int=1)), "--expires", "soon"],
    ],
    ids=str,
)
def test_a_token_is_minted_for_a_user_of_a_tier(app: Flask, options: list[str]) -> None:
    done = run(app, "token", *options)
    assert (done.exit_code, done.stdout) == (2, "")


def finding(settings: Settings, check: str, **changed: Any) -> dict[str, Any]:
    """What the doctor says of this."""
    with serving(settings, **changed) as app:
        rows = json.loads(run(app, "doctor", "--json").stdout)
    [found] = [row for row in rows if row["check"] == check]
    return dict(found)


def test_the_doctor_misses_the_workers_of_each_queue(
    clean: None, settings: Settings, conn: psycopg.Connection[Any]
) -> None:
    add_worker(conn, "upkeep", "builtin")
    add_worker(conn, "stages", silent_s=3600)
    found = finding(settings, "workers of stages")
    assert (found["state"], found["found"]) == ("error", "0 alive, 0 stages waiting")
    assert "coursegen worker --only stages" in found["advice"]
    assert finding(settings, "workers of upkeep")["state"] == "ok"
    assert finding(settings, "workers of webhooks", webhook_secret=None)["state"] == "ok"
    assert finding(settings, "workers of webhooks", webhook_secret="whsec_" + "A" * 43 + "=")["state"] == "error"


def test_the_doctor_asks_for_the_keys_of_tokens(clean: None, settings: Settings) -> None:
    with jwks_endpoint() as endpoint:
        endpoint.show(make_key("ES256", "a"), make_key("EdDSA", "b"))
        found = finding(settings, "token keys", jwt_jwks_url=endpoint.url, jwt_secret=None)
        assert (found["state"], found["found"]) == ("ok", "a (ES256), b (EdDSA)")
        endpoint.show()
        assert finding(settings, "token keys", jwt_jwks_url=endpoint.url)["state"] == "warning"
        endpoint.status = 404
        found = finding(settings, "token keys", jwt_jwks_url=endpoint.url)
        assert found["state"] == "error"
        assert "status 404" in found["found"]
        assert "JWT_JWKS_URL" in found["advice"]
