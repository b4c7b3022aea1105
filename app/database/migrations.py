"""Brings a database to what this release needs: the queue's schema, the migrations, the functions, the privileges."""

import hashlib
import logging
import re
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from app.database.migration_session import Connection, MigrationError, is_present, migration_session
from app.database.platform.status_map import fill_map
from app.database.queries import SQL, read_setup
from app.database.queue_schema import migrate_queue, queue_scripts

#: API and workers need no other role; members of it may log in.
APP_ROLE = "coursegen_app"

#: In a migration, the line above what undoes it.
DOWN = re.compile(rb"^-- migrate:down\n", re.MULTILINE)

log = logging.getLogger(__name__)


def migrate(database_url: str, *, app_role: str = APP_ROLE, upgrade_queue: bool = False) -> list[str]:
    """The database has all that this release needs. Returns the names of what was applied; a second call: none.

    Two calls at once both succeed. Each file is a transaction of its own that waits for no lock longer than 200 ms and
    is tried again for a minute. After a failure or an interruption, the next call goes on where this one ended.
    Raises `MigrationError` or a `psycopg.Error`.
    """
    with migration_session(database_url) as session:
        applied = migrate_queue(session, upgrade=upgrade_queue)
        for file in _migrations():
            if session.run(partial(_apply_migration, file=file)):
                log.info("migration_applied", extra={"migration": file.stem})
                applied.append(file.stem)
        functions = session.run(partial(_apply_functions, app_role=app_role))
        for name in functions:
            log.info("function_applied", extra={"function": name})
    return [*applied, *functions]


def missing(conn: psycopg.Connection[Any]) -> list[str]:
    """Names of what the database lacks for this release; [] when it is up to date.

    Two short reads. What a newer release has added, or replaced, is no lack.
    """
    applied = _read_applied(conn)
    scripts = [script.stem for script in queue_scripts() if ("script", script.stem, None) not in applied]
    return [
        *(scripts if any(kind == "script" for kind, *_ in applied) else ["procrastinate"]),
        *(file.stem for file in _migrations() if ("migration", _version(file), None) not in applied),
        *(file.stem for file in _functions() if ("function", file.stem, _checksum(file)) not in applied),
    ]


def abridge(names: list[str]) -> str:
    """The first three of the names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _read_applied(conn: psycopg.Connection[Any]) -> set[tuple[str, str, str | None]]:
    if not is_present(conn, "coursegen.created_objects"):
        return set()
    with conn.cursor(row_factory=tuple_row) as cursor:
        return set(cursor.execute(read_setup("applied")).fetchall())


def _apply_migration(conn: Connection, *, file: Path) -> bool:
    """Whether the file was applied: it is not when its version is recorded."""
    recorded = conn.execute(
        "insert into coursegen.applied_migrations (version, name, checksum) values (%s, %s, %s) on conflict do nothing",
        (_version(file), file.stem, _checksum(file)),
    )
    if not recorded.rowcount:
        return False
    try:
        conn.execute(DOWN.split(file.read_bytes())[0])
    except psycopg.OperationalError:
        raise  # a lock that was not to be had, among others
    except psycopg.Error as error:
        raise MigrationError(f"{file.name}: {error}") from error
    conn.execute(read_setup("created_objects"))
    return True


def _apply_functions(conn: Connection, *, app_role: str) -> list[str]:
    """Every function has the body of its file, and the map of statuses and all privileges are as this release has them.

    Returns the names of the functions whose body was not the latest applied. No function is ever dropped here: those
    of the previous release stay callable for the processes that still run.
    """
    latest = "select distinct on (name) name, checksum from coursegen.applied_functions order by name, applied_at desc"
    current = dict(conn.execute(latest).fetchall())
    changed = [file for file in _functions() if current.get(file.stem) != _checksum(file)]
    conn.execute("set local check_function_bodies = off")  # they call each other
    for file in changed:
        conn.execute(file.read_bytes())
        conn.execute(
            "insert into coursegen.applied_functions values (%s, %s)"
            " on conflict (name, checksum) do update set applied_at = default",
            (file.stem, _checksum(file)),
        )
    conn.execute(read_setup("platform/hooks"))
    conn.execute(read_setup("shared_functions"))
    conn.execute(read_setup("created_objects"))
    fill_map(conn)
    grant_privileges(conn, app_role)
    return [file.stem for file in changed]


def grant_privileges(conn: Connection, app_role: str) -> None:
    """The role has all privileges that it needs, and nobody any other. In the caller's transaction."""
    try:
        conn.execute(name_role(conn, read_setup("privileges"), app_role))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(error.diag.message_primary) from error


def name_role(conn: Connection, statements: bytes, app_role: str) -> bytes:
    """The statements with the role of this database in place of the default one."""
    return statements.replace(APP_ROLE.encode(), sql.Identifier(app_role).as_bytes(conn))


def down_part(version: str) -> bytes | None:
    """What undoes the migration; None where that is not foreseen. Raises `MigrationError` for another release's."""
    for file in _migrations():
        if _version(file) == version:
            _, *down = DOWN.split(file.read_bytes())
            return down[0] if down else None
    raise MigrationError("This release does not know it. Roll back with the release that applied it")


def _migrations() -> list[Path]:
    return sorted((SQL / "migrations").glob("*.sql"))


def _version(migration: Path) -> str:
    return migration.stem.partition("_")[0]


def _functions() -> list[Path]:
    return sorted((SQL / "functions").rglob("*.sql"), key=lambda file: file.stem)


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
