"""The session of a migration: one at a time, with short waits for locks, never behind a transaction pooler."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

import psycopg

from app.database.queries import read_setup
from app.database.session import ENCODING, set_statements

T = TypeVar("T")
Connection = psycopg.Connection[Any]

#: Held while a database is migrated; a number that other users of the database are unlikely to choose.
LOCK = 20261123000001
#: Longest single wait for a lock. Sessions that queue behind the migration wait as long.
LOCK_TIMEOUT_MS = 200
#: How long a transaction that gets no lock is tried again, and how long another migration is waited for.
LOCK_PATIENCE_S, TURN_PATIENCE_S = 60.0, 600.0
PAUSE_S = 0.1
LIMITS = {
    "client_min_messages": "warning",
    "lock_timeout": f"{LOCK_TIMEOUT_MS}ms",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

NAME = "coursegen-migrate"
POOLER = "DATABASE_URL leads through a pooler in transaction mode, where a migration can't hold its lock."
POOLER_ADVICE = (
    "Run it with the URL of PostgreSQL itself, or of the pooler's session mode (Supabase: port 5432 instead of 6543)."
)
BLOCKERS = read_setup("blockers")


class MigrationError(Exception):
    """The database could not be migrated or rolled back; the message says why and what helps."""


class MigrationSession:
    """`run` is the only way to change the database; `conn` is for reading."""

    def __init__(self, conn: Connection, watcher: Connection) -> None:
        self.conn = conn
        self._watcher = watcher
        self._pid = _backend(conn)

    def run(self, change: Callable[[Connection], T], *, patience_s: float | None = None) -> T:
        """Runs `change` in one transaction and commits it. While others hold its locks, restarts it.

        Raises `MigrationError` that names the sessions in the way when `patience_s` (`LOCK_PATIENCE_S`) is over.
        """
        deadline = time.monotonic() + (LOCK_PATIENCE_S if patience_s is None else patience_s)
        blockers: dict[int, str] = {}
        while True:
            try:
                with self._watch(blockers), self.conn.transaction():
                    return change(self.conn)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                if time.monotonic() >= deadline:
                    named = "; ".join(blockers.values()) or "sessions that could not be named"
                    raise MigrationError(f"A lock was not to be had. Blocked by {named}") from error
                time.sleep(PAUSE_S)

    @contextmanager
    def _watch(self, blockers: dict[int, str]) -> Iterator[None]:
        """Collects who blocks this session while the block runs."""
        stop = Event()

        def look() -> None:
            while not stop.wait(LOCK_TIMEOUT_MS / 4000):
                seen = self._watcher.execute(BLOCKERS, {"pid": self._pid}).fetchall()
                if seen:
                    blockers.clear()
                    blockers.update(seen)

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look)
            try:
                yield
            finally:
                stop.set()
        looking.result()


@contextmanager
def migration_session(database_url: str) -> Iterator[MigrationSession]:
    """A session that no other migration of the database has at the same time.

    Raises `MigrationError` behind a transaction pooler, and when another migration takes longer than ten minutes.
    """
    with connect_for_migration(database_url) as conn, connect_for_migration(database_url) as watcher:
        if is_transaction_pooler(conn, watcher):
            raise MigrationError(f"{POOLER} {POOLER_ADVICE}")
        for opened in (conn, watcher):
            opened.execute(set_statements(LIMITS, opened.info.server_version).encode())
        session = MigrationSession(conn, watcher)
        session.run(lambda conn: conn.execute("select pg_advisory_lock(%s)", (LOCK,)), patience_s=TURN_PATIENCE_S)
        yield session


def is_present(conn: Connection, table: str) -> bool:
    """Whether the database has the table."""
    return conn.execute("select where to_regclass(%s) is not null", (table,)).rowcount == 1


def connect_for_migration(database_url: str) -> Connection:
    """A session as migrations use it, also through a pooler in session mode."""
    # Nothing is prepared and no option is sent at the start: a session pooler takes neither.
    return psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=10,
        prepare_threshold=None,
        client_encoding=ENCODING,
        application_name=NAME,
    )


def is_transaction_pooler(conn: Connection, other: Connection) -> bool:
    """Whether two transactions of one client may run in different sessions of the server."""
    if conn.info.backend_pid == _backend(conn):
        return False  # the server itself answered, not a pooler
    for _ in range(5):
        backend = _backend(conn)
        with other.transaction():
            if _backend(other) == backend or _backend(conn) != backend:
                return True
    return False


def _backend(conn: Connection) -> Any:
    return conn.execute("select pg_backend_pid()").fetchall()[0][0]
