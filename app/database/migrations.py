"""Bringing a database to what this release needs: the queue's schema, the migrations and the functions of `sql/`."""

import hashlib
import logging
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.rows import tuple_row

SQL = Path(__file__).resolve().parents[2] / "sql"

#: Held by whoever migrates; a number that other users of the database are unlikely to choose.
LOCK = 20261123000001

#: Connection parameters the migration tool's driver takes as libpq does; others it would send to the server.
SHARED_PARAMETERS = ("application_name", "connect_timeout", "options", "sslcert", "sslkey", "sslrootcert")

log = logging.getLogger(__name__)


class MigrationError(Exception):
    """A migration could not be applied or undone; the message is what the migration tool said."""


def migrate(database_url: str) -> None:
    """The database has all this release needs. A second call changes nothing; two at once both succeed.

    Needs a session of its own (so not through a transaction pooler) and a role that may create things in `public`.
    Raises `MigrationError` or a `psycopg.Error`; what was applied before stays, and the next call goes on from there.
    """
    with _alone(database_url) as conn:
        before = _read(conn)
        if not before.queue:
            with conn.transaction():
                conn.execute(SchemaManager.get_schema())
            log.info("queue_schema_applied")
        try:
            _dbmate(conn, "migrate")
        finally:
            for version in sorted(_read(conn).versions - before.versions):
                log.info("migration_applied", extra={"migration": version})
        with conn.transaction():
            _apply_functions(conn)


def rollback(database_url: str) -> None:
    """The latest migration is undone. Raises `MigrationError` when there is none, or it can't be."""
    with _alone(database_url) as conn:
        _dbmate(conn, "rollback")
        log.info("migration_rolled_back")


def missing(conn: psycopg.Connection[Any]) -> list[str]:
    """Names of what the database lacks for this release; [] when it is up to date.

    Two short reads. What a newer release has added, or replaced, is no lack.
    """
    there = _read(conn)
    return [
        *([] if there.queue else ["procrastinate"]),
        *(file.stem for file in _migrations() if _version(file) not in there.versions),
        *(file.stem for file in _functions() if (file.stem, _checksum(file)) not in there.functions),
    ]


@dataclass(frozen=True, slots=True)
class _There:
    """What the database has: the queue's schema, migrations by version, functions by name and checksum."""

    queue: bool
    versions: frozenset[str] = frozenset()
    functions: frozenset[tuple[str, str]] = frozenset()


def _read(conn: psycopg.Connection[Any]) -> _There:
    with conn.cursor(row_factory=tuple_row) as cursor:
        # By name alone: before PostgreSQL 16, naming a type that isn't there is an error even here.
        cursor.execute("select to_regproc('procrastinate_defer_jobs_v1') is not null, to_regclass('sql_functions')")
        queue, functions = cursor.fetchone() or (False, None)
        if functions is None:  # made by the first migration
            return _There(queue)
        cursor.execute(
            "select null, version::text from schema_migrations union all select name, checksum from sql_functions"
        )
        rows = cursor.fetchall()
    return _There(
        queue,
        frozenset(version for name, version in rows if name is None),
        frozenset((name, checksum) for name, checksum in rows if name is not None),
    )


def _apply_functions(conn: psycopg.Connection[Any]) -> None:
    """Every function has the body of its file. A body that was replaced since is applied again."""
    latest = "select distinct on (name) name, checksum from sql_functions order by name, applied_at desc"
    current = dict(conn.execute(latest).fetchall())
    conn.execute("set local check_function_bodies = off")  # they call each other
    for file in _functions():
        checksum = _checksum(file)
        if current.get(file.stem) == checksum:
            continue
        conn.execute(file.read_bytes())
        conn.execute(
            "insert into sql_functions values (%s, %s) on conflict (name, checksum) do update set applied_at = default",
            (file.stem, checksum),
        )
        log.info("function_applied", extra={"function": file.stem, "checksum": checksum})


def _migrations() -> list[Path]:
    return sorted((SQL / "migrations").glob("*.sql"))


def _version(migration: Path) -> str:
    return migration.stem.partition("_")[0]


def _functions() -> list[Path]:
    return sorted((SQL / "functions").glob("*.sql"))


def _checksum(function: Path) -> str:
    return hashlib.sha256(function.read_bytes()).hexdigest()


@contextmanager
def _alone(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that nobody else who migrates has at the same time."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", (LOCK,))
        yield conn


def _dbmate(conn: psycopg.Connection[Any], command: str) -> None:
    """Runs the migration tool on the connection's database. Its URL stands where `ps` and a `.env` can't get at it."""
    url = _driver_url(conn)
    done = subprocess.run(
        [
            _dbmate_path(),
            *("--env", "MIGRATION_URL", "--env-file", ""),
            *("--migrations-dir", SQL / "migrations", "--migrations-table", "schema_migrations", "--no-dump-schema"),
            command,
        ],
        env={"MIGRATION_URL": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MigrationError(done.stdout.replace(url, "<url>").strip())


def _dbmate_path() -> str:
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "dbmate").is_file():
            return str(folder / "dbmate")
    found = shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is not installed")
    return found


def _driver_url(conn: psycopg.Connection[Any]) -> str:
    """The URL of the server this connection reached, for a driver that knows less of URLs than libpq does.

    Its default is to insist on TLS; libpq's is to take what there is, so what there was is asked for.
    """
    # Not `conn.info.get_parameters()`: that looks for defaults, and fails for a user without a home.
    given = {option.keyword.decode(): option.val.decode() for option in conn.pgconn.info if option.val}
    query = {name: given[name] for name in SHARED_PARAMETERS if given.get(name)}
    if not conn.pgconn.ssl_in_use:
        query["sslmode"] = "disable"
    else:
        query["sslmode"] = given["sslmode"] if given.get("sslmode", "").startswith("verify-") else "require"
    if query.get("sslrootcert") == "system":  # the driver's own default
        del query["sslrootcert"]
    host = conn.info.host
    if host.startswith(("/", "@")):
        query["host"], host = host, ""
    elif ":" in host:
        host = f"[{host}]"
    user = quote(conn.info.user, safe="")
    if conn.info.password:
        user += f":{quote(conn.info.password, safe='')}"
    database = quote(conn.info.dbname, safe="")
    return f"postgres://{user}@{host}:{conn.info.port}/{database}?{urlencode(query, quote_via=quote)}"
