"""The queue's own schema: the scripts of the installed library, recorded and applied in order."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from procrastinate.schema import SchemaManager

from app.database.migration_session import MigrationError, MigrationSession
from app.database.queries import SQL

#: Where the library's functions look for its tables by default.
SCHEMA = "public"
#: A schema to apply the scripts to one by one, for comparison; it is dropped at once.
REPLAY = "coursegen_replay"

Catalog = frozenset[tuple[str, str, str]]

log = logging.getLogger(__name__)


def queue_scripts() -> list[Path]:
    """The scripts of the installed library, in the order in which they are applied."""
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def migrate_queue(session: MigrationSession, *, upgrade: bool) -> list[str]:
    """The queue's schema is the installed library's. Returns the names of the scripts that were applied.

    A schema that was there before this service has other users as well. It is upgraded only with `upgrade`;
    without it, `MigrationError` is raised when scripts are missing.
    """
    recorded = _read_recorded(session.conn)
    pending = [script for script in queue_scripts() if script.stem not in recorded]
    if not pending:
        return []
    if not _is_present(session.conn):
        session.run(_apply_whole_schema)
        log.info("queue_schema_applied")
        return [script.stem for script in pending]
    applied = _recognise(session)
    missing = [script for script in pending if script not in applied]
    others = any(recorded.values()) or len(missing) < len(pending)
    if missing and others and not upgrade:
        raise MigrationError(
            "The queue's schema was here before this service and is older than the library in use. If its other users"
            " can do with the newer one, run `migrate --upgrade-queue`. It would apply: "
            + ", ".join(script.stem for script in missing)
        )
    session.run(lambda conn: _record(conn, (script for script in pending if script in applied), was_there=True))
    for script in missing:
        session.run(lambda conn, script=script: _apply(conn, script))  # type: ignore[misc]
        log.info("queue_script_applied", extra={"script": script.stem})
    return [script.stem for script in missing]


def _read_recorded(conn: psycopg.Connection[Any]) -> dict[str, bool]:
    """The recorded scripts, each with whether it was there before this service."""
    row = conn.execute("select to_regclass('coursegen.queue_migrations')").fetchone()
    if row is None or row[0] is None:
        return {}
    return dict(conn.execute("select script, was_there from coursegen.queue_migrations").fetchall())


def _is_present(conn: psycopg.Connection[Any]) -> bool:
    row = conn.execute("select to_regclass(%s)", (f"{SCHEMA}.procrastinate_jobs",)).fetchone()
    return row is not None and row[0] is not None


def _apply_whole_schema(conn: psycopg.Connection[Any]) -> None:
    _record(conn, queue_scripts(), was_there=False)
    conn.execute(SchemaManager.get_schema())


def _apply(conn: psycopg.Connection[Any], script: Path) -> None:
    _record(conn, [script], was_there=False)
    conn.execute(script.read_bytes())


def _record(conn: psycopg.Connection[Any], scripts: Iterable[Path], *, was_there: bool) -> None:
    conn.execute((SQL / "setup" / "bookkeeping.sql").read_bytes())
    for script in scripts:
        conn.execute(
            "insert into coursegen.queue_migrations (script, was_there) values (%s, %s) on conflict do nothing",
            (script.stem, was_there),
        )


def _recognise(session: MigrationSession) -> list[Path]:
    """The scripts whose effects the database shows. Raises `MigrationError` for the schema of no known release.

    The library records nothing. So the scripts are applied to an empty schema, and the state of it that comes nearest
    is the one found. Bodies of functions may differ (published scripts were corrected), names may not.
    """
    found = read_queue_catalog(session.conn, SCHEMA)
    states = replay_queue_scripts(session)
    nearest = min(range(len(states)), key=lambda state: (len(states[state] ^ found), -state))
    lacking = {entry[:2] for entry in states[nearest]} - {entry[:2] for entry in found}
    scripts = queue_scripts()
    if lacking:
        raise MigrationError(
            f"The queue's schema is that of no known release. It is nearest to {scripts[nearest].stem}, but lacks "
            + ", ".join(" ".join(entry) for entry in sorted(lacking))
        )
    return scripts[: nearest + 1]


def read_queue_catalog(conn: psycopg.Connection[Any], schema: str) -> Catalog:
    """What the queue's scripts made in the schema, as kind, name and detail."""
    query = (SQL / "setup" / "queue_catalog.sql").read_bytes()
    return frozenset(conn.execute(query, {"schema": schema}).fetchall())


def replay_queue_scripts(session: MigrationSession) -> list[Catalog]:
    """The catalog after each of the scripts, applied to an empty schema.

    Each script is committed, since before PostgreSQL 17 a label of an enum can't be used in its own transaction.
    """

    def drop(conn: psycopg.Connection[Any]) -> None:
        conn.execute(f"drop schema if exists {REPLAY} cascade")

    def replay(conn: psycopg.Connection[Any], script: Path) -> Catalog:
        conn.execute(f"set local search_path = {REPLAY}")
        conn.execute(script.read_bytes())
        return read_queue_catalog(conn, REPLAY)

    session.run(drop)  # of a replay that was interrupted
    session.run(lambda conn: conn.execute(f"create schema {REPLAY}"))
    try:
        return [
            session.run(lambda conn, script=script: replay(conn, script))  # type: ignore[misc]
            for script in queue_scripts()
        ]
    finally:
        session.run(drop)
