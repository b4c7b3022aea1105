"""PostgreSQL: one pool a process, and the ways to use it: `connection()`, `statement()` and `transaction()`."""

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from app.database.deadline import SocketGuard, deadline, remaining, shut_down
from app.database.migrations import abridge, missing
from app.database.session import (
    KEEPALIVES,
    Session,
    connect_arguments,
    is_outdated,
    is_read_only,
    set_statements,
)

#: Longest wait for a free connection; past it the service is overloaded or the database away.
POOL_TIMEOUT_S = 2.0
#: Longest use of a connection where no deadline is set (workers, commands).
USE_TIMEOUT_S = 30.0

#: How long one request tries a database that did not answer the last one. A new session has as long for its first
#: answer.
TRIAL_S = 2.0
#: Longest wait for a lock. Shorter than a request's deadline, which would leave the statement's outcome unknown.
LOCK_TIMEOUT_S = 1.5
#: Ends what the server itself can end; the guard on the socket covers the rest.
LIMITS: dict[str, str] = {
    "statement_timeout": "20s",
    "lock_timeout": f"{LOCK_TIMEOUT_S}s",
    "idle_in_transaction_session_timeout": "5s",
    "client_connection_check_interval": "5s",
}


class Unmigrated(Exception):
    """The database lacks migrations of this release; `names` lists them."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        super().__init__(f"The database is not migrated: run `coursegen migrate`. Missing: {abridge(names)}")


class CommitOutcomeUnknown(psycopg.OperationalError):
    """The connection was lost while the commit was under way: it may have taken place."""


class DatabaseAway(psycopg.OperationalError):
    """The database did not answer the last request, and another request is trying it now."""


class Outage:
    """While the database is away or hangs, one request at a time waits for it; the others are refused at once.

    Otherwise each request would occupy one of the few threads for its whole deadline. Callers without a deadline
    (workers, commands) are never refused. A slow database is not away: an outage begins with a wait in which nobody
    had an answer, and the first answer ends it.
    """

    def __init__(self) -> None:
        self._lasts = False
        self._answered_at = 0.0
        self._trial = threading.Lock()

    def note_answer(self) -> None:
        self._answered_at = time.monotonic()
        self._lasts = False

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Learns from how the block ends whether the database is there. Raises `DatabaseAway` instead of running it."""
        if not self._lasts or remaining(float("inf")) == float("inf"):
            with self._learning():
                yield
        elif self._trial.acquire(blocking=False):
            try:
                with deadline(remaining(TRIAL_S)), self._learning():
                    yield
            finally:
                self._trial.release()
        else:
            raise DatabaseAway("the database did not answer a moment ago")

    @contextmanager
    def _learning(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate is not None:
                self.note_answer()
            elif (isinstance(error, PoolTimeout) or remaining(1.0) == 0) and self._answered_at < began:
                self._lasts = True
            raise
        self.note_answer()


class Database:
    """A lazily opened pool of connections; nothing is reached before the first use.

    Connections are in autocommit mode: a statement outside `transaction()` is one round trip.
    """

    def __init__(self, url: str, pool_size: int, *, pooled: bool = False) -> None:
        self._guard = SocketGuard()
        self._outage = Outage()
        self._migrated = False
        self._read_only = False
        self._pool: ConnectionPool[Session] = ConnectionPool(
            url,
            connection_class=Session,
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=POOL_TIMEOUT_S,
            max_waiting=pool_size * 8,
            # Short, because the pool backs off without bound and should be back soon after the database.
            reconnect_timeout=5,
            configure=partial(self._configure, pooled=pooled),
            # A pooler decides itself how long its sessions live.
            check=_refuse_dead if pooled else _refuse_outdated,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": 3,
                **connect_arguments(pooled=pooled),
                **KEEPALIVES,
                "application_name": "course-generation",
            },
        )

    @contextmanager
    def connection(self) -> Iterator[Connection[DictRow]]:
        """A connection in autocommit mode, closed at the current deadline.

        Raises psycopg.OperationalError (PoolTimeout when none is free in time, `DatabaseAway` at once while the
        database is known to be away) and `Unmigrated`.
        """
        self._pool.open()  # does nothing if it is open
        with (
            self._outage.watch(),
            self._pool.connection(timeout=remaining(POOL_TIMEOUT_S)) as conn,
            self._guarded(conn, remaining(USE_TIMEOUT_S)),
        ):
            if not self._migrated:
                if names := missing(conn):
                    raise Unmigrated(names)
                self._migrated = True
            yield conn

    @contextmanager
    def statement(self) -> Iterator[Connection[DictRow]]:
        """A connection for one statement that writes, and is a transaction of its own.

        Raises `CommitOutcomeUnknown` when the connection is lost during the statement.
        """
        with self.connection() as conn:
            try:
                yield conn
            except psycopg.OperationalError as error:
                if _is_rolled_back(error):
                    raise
                raise CommitOutcomeUnknown(str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection[DictRow]]:
        """A connection inside one transaction: leaving the block commits, raising rolls back.

        Raises `CommitOutcomeUnknown` when the connection is lost during the commit itself.
        """
        committing = False
        with self.connection() as conn:
            try:
                with conn.transaction():
                    yield conn
                    committing = True
            except psycopg.OperationalError as error:
                if committing and not _is_rolled_back(error):
                    raise CommitOutcomeUnknown(str(error)) from error
                raise

    @contextmanager
    def _guarded(self, conn: Session, seconds: float) -> Iterator[None]:
        """Closes the connection after so many seconds, and then all others: they may be as silent as this one.

        Nothing follows from a wait that is shorter than `TRIAL_S`.
        """
        ended = threading.Event()

        def end() -> None:
            shut_down(conn.fileno())
            ended.set()

        try:
            with self._guard.guard_by(end, seconds):
                yield
        finally:
            if ended.is_set() and seconds >= TRIAL_S:
                self._pool.drain()

    def _configure(self, conn: Session, *, pooled: bool) -> None:
        """Sets what every session has. The answer shows that the database is there."""
        with self._guard.guard(conn.fileno(), TRIAL_S):
            conn.execute(b"" if pooled else set_statements(LIMITS, conn.info.server_version))
        conn.opened_at = time.monotonic()
        self._outage.note_answer()
        read_only = not pooled and is_read_only(conn)
        if self._read_only and not read_only:  # the database takes writes again
            self._pool.drain()
        self._read_only = read_only

    def close(self) -> None:
        """No connection of this pool is left open."""
        self._pool.close()


def only_row(cursor: Cursor[DictRow]) -> DictRow:
    """The row of a statement that always returns one."""
    row = cursor.fetchone()
    if row is None:
        raise LookupError("A statement that returns a row returned none")
    return row


def _is_rolled_back(error: psycopg.OperationalError) -> bool:
    """Whether the server reported that the statement failed; else the connection ended."""
    return error.diag.severity_nonlocalized == "ERROR"


def _refuse_outdated(conn: Session) -> None:
    """Raises OperationalError if the server is gone, or the session was opened while the database was read-only."""
    _refuse_dead(conn)
    if is_outdated(conn):
        conn.close()
        raise psycopg.OperationalError("the session is read-only; the database may be so no longer")


def _refuse_dead(conn: Connection[Any]) -> None:
    """Raises OperationalError if the connection's server is gone. Costs a live connection no round trip."""
    idle = select.poll()
    idle.register(conn.fileno(), select.POLLIN)
    if idle.poll(0):  # the server has closed it, or sent a notice
        conn.execute("")
