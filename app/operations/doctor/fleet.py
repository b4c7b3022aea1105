"""Checks of the processes together: their places for the work, their versions and settings, and who waits too long."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.capacity.aging import SHOWN_S, list_overtaken
from app.operations.doctor.findings import Finding, State, judge
from app.operations.doctor.texts import say
from app.operations.processes.settings import list_conflicts
from app.settings import Settings


def check_fleet(conn: Connection[DictRow], settings: Settings, limit: int) -> Iterator[Finding]:
    """The findings about the live processes. `limit`: of generations active at once, as it is in force."""
    live = {"stalled": settings.stalled_s}
    yield _check_places(only_row(conn.execute(QUERIES["count_places"], live)), limit)
    versions = [row["version"] for row in conn.execute(QUERIES["list_versions"], live)]
    found = ", ".join(versions) or say("no live process")
    advice = say("Restart those of the older release: see `coursegen processes`.")
    yield judge("versions", found, State.WARNING, advice, when=len(versions) > 1, clause="versions")
    conflicts = list_conflicts(conn, settings.stalled_s)
    found = say("conflict: {settings}", settings=", ".join(conflicts)) if conflicts else say("agree")
    advice = say("Give all processes one environment: see `coursegen settings`.")
    yield judge(
        "settings of processes",
        found,
        State.WARNING,
        advice,
        when=bool(conflicts),
        clause="conflicts",
        settings=", ".join(conflicts[:3]),
    )
    yield _check_order(list_overtaken(conn))


def _check_places(live: DictRow, limit: int) -> Finding:
    """The finding is unknown while a worker of an earlier release lives: it does not report its places."""
    places, are_known = live["places"], live["workers"] and live["are_known"]
    known = say("{places} for stages, and {limit} generations may be active", places=places, limit=limit)
    found = known if are_known else say("unknown")
    advice = say("Start more workers, raise WORKER_CONCURRENCY, or lower the limit by `coursegen limit`.")
    is_short = bool(are_known) and places < limit
    return judge(
        "places of workers", found, State.WARNING, advice, when=is_short, clause="short", limit=limit, places=places
    )


def _check_order(overtaken: list[DictRow]) -> Finding:
    count, age = len(overtaken), overtaken[0]["waited_s"] if overtaken else 0
    found = say("{count} overtaken while they waited for {age}", count=count, age=SHOWN_S)
    return judge(
        "order of the queue",
        found,
        State.WARNING,
        say("Set PRIORITY_AGING_S, or start more workers."),
        when=count > 0,
        clause="overtaken" if count > 1 else "one overtaken",
        count=count,
        age=age,
    )
