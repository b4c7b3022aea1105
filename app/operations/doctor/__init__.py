"""Checks of settings, servers and work under way, for `coursegen doctor`, the console and alerts."""

import time
from collections.abc import Iterator

import psycopg
from psycopg.rows import DictRow, dict_row

from app.database.migrations import abridge, missing
from app.database.platform.remarks import Kind
from app.database.platform.shipped_maps import UNKNOWN
from app.database.pool import only_row
from app.database.preflight import connect_briefly
from app.database.queries import QUERIES
from app.generation.queue import QUEUES
from app.operations import platform
from app.operations.controls import read_limit
from app.operations.doctor.controls import check_controls
from app.operations.doctor.findings import (
    CLAUSES,
    RUNBOOK,
    Finding,
    State,
    judge,
    list_problems,
    summarize,
)
from app.operations.doctor.fleet import check_fleet
from app.operations.doctor.process import check_settings
from app.operations.doctor.texts import say
from app.operations.doctor.work import check_locks, check_work
from app.operations.listings import compare_slots
from app.services import Services
from app.settings import Settings

__all__ = [
    "CLAUSES",
    "RUNBOOK",
    "Finding",
    "State",
    "examine",
    "examine_platform",
    "examine_servers",
    "is_usable",
    "list_problems",
    "summarize",
]

TESTED_VERSIONS = range(15, 19)
#: A larger offset makes log lines hard to read. Nothing else depends on the host's clock.
CLOCK_OFF_S = 5
#: The checks whose errors leave nothing else to be read from the database.
GROUNDS = ("database", "migrations")


def examine(services: Services) -> list[Finding]:
    """Every finding, in the order in which problems should be fixed. Servers that are down are findings."""
    return [*check_settings(services.settings), *examine_servers(services)]


def examine_servers(services: Services) -> list[Finding]:
    """The findings about the servers, the workers and the work under way: what may change at any moment."""
    return [*_check_database(services), *_check_redis(services)]


def is_usable(findings: list[Finding]) -> bool:
    """Whether the database answered all questions."""
    return not any(finding.check in GROUNDS and finding.state is State.ERROR for finding in findings)


def examine_platform(settings: Settings) -> list[Finding]:
    """Every remark on the platform's database, as a finding."""
    states = {Kind.OBSTACLE: State.ERROR, Kind.DECIDE: State.WARNING}
    remarks, _ = platform.check(settings)
    return [Finding(states.get(remark.kind, State.OK), remark.subject, remark.says, remark.how) for remark in remarks]


def _check_database(services: Services) -> Iterator[Finding]:
    try:
        with connect_briefly(services.settings.database_url, pooled=services.settings.database_pooled) as conn:
            # First: it takes no lock, and the other questions may wait for one.
            yield from check_locks(conn.cursor(row_factory=dict_row))
            lacking = missing(conn)
        if lacking:
            found = say("missing: {names}", names=abridge(lacking))
            yield Finding(State.ERROR, "migrations", found, say("Run `coursegen migrate`."), "migrations")
            return
        yield Finding(State.OK, "migrations", "up to date")
        yield from _check_contents(services)
    except psycopg.Error as error:
        # With an SQLSTATE the server itself has answered.
        clause = "database" if error.sqlstate is None else "slow"
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        advice = say("Check DATABASE_URL, the server and its locks.")
        yield Finding(State.ERROR, "database", text, advice, clause)


def _check_contents(services: Services) -> Iterator[Finding]:
    settings, asked_at = services.settings, time.time()
    with services.db.connection() as conn:
        server = only_row(
            conn.execute(QUERIES["inspect_server"], {"stalled": settings.stalled_s, "queues": list(QUEUES)})
        )
        status_map = only_row(conn.execute(QUERIES["inspect_status_map"]))
        yield from _check_server(server, asked_at)
        own = settings.global_concurrency_limit
        limit = read_limit(conn, own)
        yield from check_controls(conn, own, limit)
        yield from check_work(conn, settings, server, limit)
        yield from check_fleet(conn, settings, limit)
        yield _check_status_map(status_map)
        if settings.old_stack == "beside":
            courses = only_row(conn.execute(QUERIES["count_old_stack"]))["courses"]
            yield Finding(State.OK, "old stack", f"{courses} courses under way")


def _check_server(server: DictRow, asked_at: float) -> Iterator[Finding]:
    major, minor = divmod(server["version"], 10000)
    untested = major not in TESTED_VERSIONS
    yield judge("database", f"PostgreSQL {major}.{minor}", State.WARNING, say("Tested on 15 to 18."), when=untested)
    offset = float(server["clock"]) - asked_at
    found = say("{offset} s off the database's", offset=f"{offset:+.1f}")
    advice = say("Check time synchronization.")
    yield judge("clock", found, State.WARNING, advice, when=abs(offset) > CLOCK_OFF_S, clause="clock")
    used, most = server["connections"], server["max_connections"]
    found, advice = say("{used} of {most} connections", used=used, most=most), say("Raise max_connections.")
    yield judge("connections", found, State.WARNING, advice, when=used > 0.8 * most, clause="connections")


def _check_status_map(status_map: DictRow) -> Finding:
    column, refused, latest = status_map["column_name"], status_map["refused"], status_map["latest"]
    written = say("written to courses.{column}", column=column) if column else say("not written")
    found = say("{source}: {written}", source=status_map["source"], written=written)
    if refused:
        latest = say("{status} after {old_value}: {error}", **latest)
        found += say("; {refused} refused within a day, the latest {latest}", refused=refused, latest=latest)
    unknown = status_map["source"] == UNKNOWN.source
    advice = say("Say how the platform shows a generation: `coursegen platform status`.")
    return judge("status of courses", found, State.WARNING, advice, when=refused > 0 or unknown, clause="status")


def _check_redis(services: Services) -> Iterator[Finding]:
    try:
        drifted = sum(bool(count["drift"]) for count in compare_slots(services))
    except Exception:  # noqa: BLE001 - the database has been reported already
        drifted = None
    if problem := services.slots.problem():
        advice = say("Check REDIS_URL and REDIS_PREFIX. Admissions go on without Redis, but slower.")
        yield Finding(State.WARNING, "redis", problem, advice, "redis")
        return
    yield Finding(State.OK, "redis", "responds")
    if drifted is not None:
        found = say("{drifted} counts differ from PostgreSQL's", drifted=drifted)
        advice = say("Upkeep corrects them; see `coursegen slots`.")
        yield judge("slots", found, State.WARNING, advice, when=drifted > 0, clause="slots")
