"""The queue's own schema: the scripts of the installed library, recorded and applied in order."""

import logging
from collections.abc import Iterable
from pathlib import Path

from procrastinate.schema import SchemaManager

from app.database.migration_session import Connection, MigrationError, MigrationSession, is_present
from app.database.queries import read_setup

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
    recorded: dict[str, bool] = {}  # each with whether it was there before this service
    if is_present(session.conn, "coursegen.queue_migrations"):
        recorded = dict(session.conn.execute("select script, was_there from coursegen.queue_migrations").fetchall())
    pending = [script for script in queue_scripts() if script.stem not in recorded]
    if not pending:
        return []
    if not is_present(session.conn, f"{SCHEMA}.procrastinate_jobs"):
        session.run(lambda conn: _apply(conn, pending, SchemaManager.get_schema().encode()))
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
        session.run(lambda conn, script=script: _apply(conn, [script], script.read_bytes()))  # type: ignore[misc]
        log.info("queue_script_applied", extra={"script": script.stem})
    return [script.stem for script in missing]


def _apply(conn: Connection, scripts: Iterable[Path], statements: bytes) -> None:
    _record(conn, scripts, was_there=False)
    conn.execute(statements)


def _record(conn: Connection, scripts: Iterable[Path], *, was_there: bool) -> None:
    conn.execute(read_setup("bookkeeping"))
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


def read_queue_catalog(conn: Connection, schema: str) -> Catalog:
    """What the queue's scripts made in the schema, as kind, name and detail."""
    return frozenset(conn.execute(read_setup("queue_catalog"), {"schema": schema}).fetchall())


def replay_queue_scripts(session: MigrationSession) -> list[Catalog]:
    """The catalog after each of the scripts, applied to an empty schema.

    Each script is committed, since before PostgreSQL 17 a label of an enum can't be used in its own transaction.
    """

    def drop(conn: Connection) -> None:
        conn.execute(f"drop schema if exists {REPLAY} cascade")

    def replay(conn: Connection, script: Path) -> Catalog:
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
