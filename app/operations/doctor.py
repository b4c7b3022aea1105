"""Checks of settings, servers and work under way, for `coursegen doctor` and the console."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import psycopg
from psycopg.rows import DictRow

from app.auth.jwks import KEY_TYPES, JwksError, fetch_keys
from app.database.migrations import abridge, missing
from app.database.platform.remarks import Kind
from app.database.platform.shipped_maps import UNKNOWN
from app.database.pool import only_row
from app.database.preflight import connect_briefly
from app.database.queries import QUERIES
from app.generation.audit import Actor
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE
from app.operations import platform
from app.operations.ages import say_age
from app.operations.listings import compare_slots
from app.services import Services
from app.settings import Settings
from app.settings.weak_secrets import is_weak

#: The queues that need workers, in the order of their findings.
SERVED = (STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE)
TESTED_VERSIONS = range(15, 19)
#: A larger offset makes log lines hard to read. Nothing else depends on the host's clock.
CLOCK_OFF_S = 5
#: How long a webhook may be overdue; a busy receiver causes some delay.
OVERDUE_S = 120
#: For how long a generation may make no progress. Longer than a stage may take by default.
STUCK_S = 900
#: What problems are called within a sentence.
CLAUSES = {
    "none": "Nothing is wrong.",
    "database": "the database can't be reached",
    "migrations": "the database is not migrated",
    "one stuck": "{stuck} course has made no progress for {age}",
    "stuck": "{stuck} courses have made no progress for {age}",
    "workers": "no worker serves `{queue}`",
    "unsigned webhooks": "webhooks wait for a WEBHOOK_SECRET",
    "late webhooks": "webhooks are {age} overdue",
    "redis": "Redis can't be used",
    "slots": "Redis counts slots otherwise than PostgreSQL",
    "secret": "JWT_SECRET can be guessed",
    "keys": "the sign-in's keys can't be read",
    "tiers": "users can choose their own tier",
    "files": "the courses' files can't be read",
    "clock": "this host's clock is wrong",
    "connections": "the database is short of connections",
    "paused admissions": "admissions are paused",
    "paused stages": "stages are paused",
    "status": "the platform does not show each status",
}


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `advice` says what to do about a problem, and `clause`, with `values`, what it is."""

    state: State
    check: str
    found: str
    advice: str = ""
    clause: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def examine(services: Services) -> list[Finding]:
    """Every finding, in the order in which problems should be fixed. Servers that are down are findings."""
    return [
        Finding(State.OK, "settings", "read"),
        *_check_tokens(services.settings),
        _check_files_root(services.settings),
        *examine_servers(services),
    ]


def examine_servers(services: Services) -> list[Finding]:
    """The findings about the servers, the workers and the work under way: what may change at any moment."""
    return [*_check_database(services), *_check_redis(services)]


def summarize(findings: list[Finding], translate: Callable[[str], str] = str) -> str:
    """One sentence in plain words: what is wrong, errors first."""
    problems = [f for state in (State.ERROR, State.WARNING) for f in findings if f.state is state]
    if not problems:
        return translate(CLAUSES["none"])
    clauses = "; ".join(_say(finding, translate) for finding in problems)
    return f"{clauses[0].upper()}{clauses[1:]}."


def examine_platform(settings: Settings) -> list[Finding]:
    """Every remark on the platform's database, as a finding."""
    states = {Kind.OBSTACLE: State.ERROR, Kind.DECIDE: State.WARNING}
    remarks, _ = platform.check(settings)
    return [Finding(states.get(remark.kind, State.OK), remark.subject, remark.says, remark.how) for remark in remarks]


def _say(finding: Finding, translate: Callable[[str], str]) -> str:
    """What the problem is, within a sentence. Its `age`, in seconds, is said in words."""
    values = dict(finding.values)
    if "age" in values:
        values["age"] = say_age(float(str(values["age"])), translate)
    return (
        translate(CLAUSES[finding.clause]).format(**values) if finding.clause else f"{finding.check}: {finding.found}"
    )


def _judge(
    check: str, found: str, problem: State, advice: str, *, when: bool, clause: str = "", **values: object
) -> Finding:
    """`problem` with its advice and clause when the condition holds, else OK."""
    return Finding(problem, check, found, advice, clause, values) if when else Finding(State.OK, check, found)


def _check_tokens(settings: Settings) -> Iterator[Finding]:
    if settings.jwt_secret is not None:
        found, weak = f"{len(settings.jwt_secret.encode())} bytes", is_weak(settings.jwt_secret)
        yield _judge(
            "token secret", found, State.WARNING, "Set JWT_SECRET to a random value.", when=weak, clause="secret"
        )
    if settings.jwt_jwks_url is not None:
        yield _check_keys(settings.jwt_jwks_url)
    if settings.app_env == "production" and any(claim.startswith("user_metadata") for claim in settings.tier_claims):
        advice = "Users can edit user_metadata: set TIER_CLAIMS=app_metadata.tier."
        yield Finding(State.WARNING, "tier claims", ",".join(settings.tier_claims), advice, "tiers")


def _check_keys(url: str) -> Finding:
    try:
        keys = fetch_keys(url)
    except JwksError as error:
        advice = "Check JWT_JWKS_URL and whether this host reaches it."
        return Finding(State.ERROR, "token keys", str(error), advice, "keys")
    found = ", ".join(f"{key_id} ({algorithm})" for key_id, algorithm in keys) or "no usable key"
    advice = f"Configure the sign-in to use {', '.join(KEY_TYPES)}, or unset JWT_JWKS_URL."
    return _judge("token keys", found, State.WARNING, advice, when=not keys, clause="keys")


def _check_files_root(settings: Settings) -> Finding:
    root = settings.files_root
    if root.is_dir() and os.access(root, os.R_OK | os.X_OK):
        return Finding(State.OK, "files root", str(root.resolve()))
    advice = "Set FILES_ROOT to the folder of the courses' files."
    return Finding(State.ERROR, "files root", f"{root} can't be read", advice, "files")


def _check_database(services: Services) -> Iterator[Finding]:
    try:
        with connect_briefly(services.settings.database_url, pooled=services.settings.database_pooled) as conn:
            lacking = missing(conn)
    except psycopg.OperationalError as error:
        found, clause = str(error).splitlines()[0], "database"
        yield Finding(State.ERROR, "database", found, "Check DATABASE_URL and the server.", clause)
        return
    if lacking:
        found, clause = f"missing: {abridge(lacking)}", "migrations"
        yield Finding(State.ERROR, "migrations", found, "Run `coursegen migrate`.", clause)
        return
    yield Finding(State.OK, "migrations", "up to date")
    asked_at = time.time()
    with services.db.connection() as conn:
        values = {"stalled": services.settings.stalled_s, "queues": list(SERVED)}
        server = only_row(conn.execute(QUERIES["inspect_server"], values))
        status_map = only_row(conn.execute(QUERIES["inspect_status_map"]))
        progress = only_row(conn.execute(QUERIES["inspect_progress"], {"stuck_s": STUCK_S}))
        overridden = conn.execute(QUERIES["list_controls"]).fetchall()
    yield from _check_server(server, asked_at)
    yield from _check_controls(services.settings, overridden)
    yield _check_progress(progress)
    yield from _check_workers(services.settings, server)
    yield _check_status_map(status_map)
    if services.settings.old_stack == "beside":
        yield _check_old_stack(services)
    yield _check_webhooks(services.settings, server)


def _check_server(server: DictRow, asked_at: float) -> Iterator[Finding]:
    major, minor = divmod(server["version"], 10000)
    untested = major not in TESTED_VERSIONS
    yield _judge("database", f"PostgreSQL {major}.{minor}", State.WARNING, "Tested on 15 to 18.", when=untested)
    offset = float(server["clock"]) - asked_at
    found = f"{offset:+.1f} s off the database's"
    yield _judge(
        "clock", found, State.WARNING, "Check time synchronization.", when=abs(offset) > CLOCK_OFF_S, clause="clock"
    )
    used, most = server["connections"], server["max_connections"]
    found = f"{used} of {most} connections"
    yield _judge(
        "connections", found, State.WARNING, "Raise max_connections.", when=used > 0.8 * most, clause="connections"
    )


def _check_controls(settings: Settings, overridden: list[DictRow]) -> Iterator[Finding]:
    """A finding about admissions and their limit, and one about the stages."""
    who = {row["name"]: str(Actor(row["set_by"], row["reason"])) for row in overridden}
    own = settings.global_concurrency_limit
    limits = [f"{row['value']} at once by {who['limit']}" for row in overridden if row["name"] == "limit"]
    limit = f"{limits[0]}; GLOBAL_CONCURRENCY_LIMIT is {own}" if limits else f"{own} at once"
    is_paused = "admissions" in who
    found = f"paused by {who['admissions']}" if is_paused else limit
    advice = "Run `coursegen resume admissions` when they may go on."
    yield _judge("admissions", found, State.WARNING, advice, when=is_paused, clause="paused admissions")
    paused = [f"{name.removeprefix('stage:')} by {who[name]}" for name in who if name.startswith("stage")]
    found = f"paused: {'; '.join(paused)}" if paused else "none paused"
    advice = "Run `coursegen resume stages` when they may go on."
    yield _judge("stages", found, State.WARNING, advice, when=bool(paused), clause="paused stages")


def _check_progress(progress: DictRow) -> Finding:
    stuck, age = progress["stuck"], float(progress["longest_s"] or 0)
    found = f"{stuck} active generations without any for {say_age(STUCK_S)}"
    clause = "stuck" if stuck > 1 else "one stuck"
    advice = "See `coursegen generations show` and the workers of `stages`."
    return _judge("progress", found, State.ERROR, advice, when=stuck > 0, clause=clause, stuck=stuck, age=age)


def _check_workers(settings: Settings, server: DictRow) -> Iterator[Finding]:
    """A finding for each queue: nothing else takes the place of a worker that serves it."""
    for queue, workers in zip(SERVED, server["workers"], strict=True):
        found = f"{workers} alive"
        if queue == STAGES_QUEUE:
            found += f", {server['waiting']} stages waiting"
            if server["oldest_s"] is not None:
                found += f", the oldest generation for {float(server['oldest_s']):.0f} s"
        unused = queue == WEBHOOKS_QUEUE and settings.webhook_secret is None
        advice = f"Start `coursegen worker`, or `coursegen worker --only {queue}`."
        is_lacking = workers == 0 and not unused
        yield _judge(f"workers of {queue}", found, State.ERROR, advice, when=is_lacking, clause="workers", queue=queue)


def _check_status_map(status_map: DictRow) -> Finding:
    column, refused, latest = status_map["column_name"], status_map["refused"], status_map["latest"]
    found = f"{status_map['source']}: written to courses.{column}" if column else f"{status_map['source']}: not written"
    if refused:
        found += f"; {refused} refused within a day, the latest {latest['status']} after {latest['old_value']}"
        found += f": {latest['error']}"
    unknown = status_map["source"] == UNKNOWN.source
    advice = "Say how the platform shows a generation: `coursegen platform status`."
    return _judge("status of courses", found, State.WARNING, advice, when=refused > 0 or unknown, clause="status")


def _check_old_stack(services: Services) -> Finding:
    with services.db.connection() as conn:
        courses = only_row(conn.execute(QUERIES["count_old_stack"]))["courses"]
    return Finding(State.OK, "old stack", f"{courses} courses under way")


def _check_webhooks(settings: Settings, server: DictRow) -> Finding:
    found = f"{server['webhooks']} waiting"
    if server["webhooks"] and settings.webhook_secret is None:
        advice = "Set WEBHOOK_SECRET: nothing is sent without it."
        return Finding(State.WARNING, "webhooks", found, advice, "unsigned webhooks")
    overdue_s = float(server["overdue_s"] or 0)
    late = overdue_s > OVERDUE_S
    found += f", one is {overdue_s:.0f} s overdue" if late else ""
    advice = "Start `coursegen worker`, or `coursegen worker --only webhooks`."
    return _judge("webhooks", found, State.WARNING, advice, when=late, clause="late webhooks", age=overdue_s)


def _check_redis(services: Services) -> Iterator[Finding]:
    try:
        drifted = sum(bool(count["drift"]) for count in compare_slots(services))
    except Exception:  # noqa: BLE001 - the database has been reported already
        drifted = None
    if problem := services.slots.problem():
        advice = "Check REDIS_URL and REDIS_PREFIX. Admissions go on without Redis, but slower."
        yield Finding(State.WARNING, "redis", problem, advice, "redis")
        return
    yield Finding(State.OK, "redis", "responds")
    if drifted is not None:
        found = f"{drifted} counts differ from PostgreSQL's"
        advice = "Upkeep corrects them; see `coursegen slots`."
        yield _judge("slots", found, State.WARNING, advice, when=drifted > 0, clause="slots")
