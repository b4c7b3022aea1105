"""`coursegen doctor`: what is wrong, and what to do."""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click
import psycopg
from flask.cli import with_appcontext

from app.auth.jwks import KEY_TYPES, JwksError, fetch_keys
from app.cli.operating import as_json, operating, show
from app.database.migrations import missing
from app.database.preflight import connect_briefly
from app.database.queries import QUERIES
from app.operations.slot_drift import compare_slots
from app.services import Services
from app.settings import Settings

OLDEST, NEWEST = 150000, 189999
#: Past this a host's clock makes log lines hard to read; nothing else depends on it.
CLOCK_OFF_S = 5
#: How long a webhook may wait past its time; a busy receiver takes some of it.
OVERDUE_S = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """`state` is ok, warning or error; `advice` says what to do about the latter two."""

    check: str
    state: str
    found: str
    advice: str = ""


@click.command("doctor")
@as_json
@with_appcontext
def command(as_json: bool) -> None:
    """Check settings, servers, migrations, clock, workers and slots. Exit code 1 if anything is an error."""
    with operating() as services:
        findings = [*_settings(services), *_database(services), *_redis(services)]
    columns = {"state": "", "check": "check", "found": "found", "advice": "what to do"}
    show([asdict(finding) for finding in findings], columns, json_wanted=as_json)
    if any(finding.state == "error" for finding in findings):
        raise click.exceptions.Exit(1)


def _settings(services: Services) -> Iterator[Finding]:
    settings = services.settings
    yield Finding("settings", "ok", "read")
    yield from _tokens(settings)
    if settings.app_env == "production" and any(claim.startswith("user_metadata") for claim in settings.tier_claims):
        advice = "Users can edit user_metadata: set TIER_CLAIMS=app_metadata.tier."
        yield Finding("tier claims", "warning", ",".join(settings.tier_claims), advice)
    root = settings.files_root
    if root.is_dir() and os.access(root, os.R_OK | os.X_OK):
        yield Finding("files root", "ok", str(root.resolve()))
    else:
        yield Finding("files root", "error", f"{root} can't be read", "Set FILES_ROOT to the folder of course files.")


def _tokens(settings: Settings) -> Iterator[Finding]:
    if settings.jwt_secret is not None:
        if len(set(settings.jwt_secret)) < 10:
            yield Finding("token secret", "warning", "few different characters", "Set JWT_SECRET to a random one.")
        else:
            yield Finding("token secret", "ok", f"{len(settings.jwt_secret.encode())} bytes")
    if settings.jwt_jwks_url is not None:
        try:
            keys = fetch_keys(settings.jwt_jwks_url)
        except JwksError as error:
            yield Finding("token keys", "error", str(error), "Check JWT_JWKS_URL and whether this host reaches it.")
            return
        if keys:
            yield Finding("token keys", "ok", ", ".join(f"{key_id} ({algorithm})" for key_id, algorithm in keys))
        else:
            advice = f"Have the sign-in use {', '.join(KEY_TYPES)}, or unset JWT_JWKS_URL."
            yield Finding("token keys", "warning", "none that can be used", advice)


def _database(services: Services) -> Iterator[Finding]:
    try:
        with connect_briefly(services.settings) as conn:
            lacking = missing(conn)
    except psycopg.OperationalError as error:
        yield Finding("database", "error", str(error).splitlines()[0], "Check DATABASE_URL and the server.")
        return
    if lacking:
        yield Finding("migrations", "error", f"missing: {', '.join(lacking)}", "Run `coursegen migrate`.")
        return
    yield Finding("migrations", "ok", "up to date")
    asked = time.time()
    with services.db.connection() as conn:
        seen = conn.execute(QUERIES["look_around"], {"stalled": services.settings.stalled_s}).fetchone() or {}
        webhooks = conn.execute(QUERIES["count_waiting_webhooks"]).fetchone() or {}
    yield from _server(seen, asked)
    yield _webhooks(services.settings, webhooks["waiting"], float(webhooks["overdue_s"] or 0))


def _server(seen: dict[str, Any], asked: float) -> Iterator[Finding]:
    version = seen["version"]
    if OLDEST <= version <= NEWEST:
        yield Finding("database", "ok", f"PostgreSQL {version // 10000}.{version % 10000}")
    else:
        yield Finding("database", "warning", f"PostgreSQL {version // 10000}", "Tested on 15 to 18.")
    off = float(seen["clock"]) - asked
    if abs(off) > CLOCK_OFF_S:
        yield Finding("clock", "warning", f"{off:+.0f} s off the database's", "Check time synchronisation.")
    else:
        yield Finding("clock", "ok", f"{off:+.1f} s off the database's")
    used = f"{seen['connections']} of {seen['max_connections']} connections"
    crowded = seen["connections"] > 0.8 * seen["max_connections"]
    yield Finding("connections", "warning" if crowded else "ok", used, "Raise max_connections." if crowded else "")
    waiting = f"{seen['workers']} alive, {seen['waiting']} stages waiting"
    if seen["oldest_s"] is not None:
        waiting += f", the oldest generation for {float(seen['oldest_s']):.0f} s"
    lost = seen["workers"] == 0
    yield Finding("workers", "error" if lost else "ok", waiting, "Start `coursegen worker`." if lost else "")


def _webhooks(settings: Settings, waiting: int, overdue_s: float) -> Finding:
    found = f"{waiting} wait"
    if waiting and settings.webhook_secret is None:
        return Finding("webhooks", "warning", found, "Set WEBHOOK_SECRET: nothing is sent without it.")
    if overdue_s > OVERDUE_S:
        advice = "Start `coursegen worker`, or `coursegen worker --only webhooks`."
        return Finding("webhooks", "warning", f"{found}, one for {overdue_s:.0f} s too long", advice)
    return Finding("webhooks", "ok", found)


def _redis(services: Services) -> Iterator[Finding]:
    try:
        drift = [row for row in compare_slots(services.db, services.slots) if row.drift]
    except Exception:  # noqa: BLE001 - the database has been reported already
        drift = None
    if problem := services.slots.problem():
        advice = "Check REDIS_URL and REDIS_PREFIX. Admission goes on without Redis, only slower."
        yield Finding("redis", "warning", problem, advice)
        return
    yield Finding("redis", "ok", "answers")
    if drift:
        yield Finding("slots", "warning", f"{len(drift)} counts differ", "Upkeep heals it; see `coursegen slots`.")
    elif drift is not None:
        yield Finding("slots", "ok", "Redis agrees with PostgreSQL")
