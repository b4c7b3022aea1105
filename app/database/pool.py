"""PostgreSQL: one pool a process, and the ways to use it: `connection()`, `statement()` and `transaction()`."""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from app.database.deadline import SocketGuard, deadline, remaining
from app.database.migrations import abridge, missing

#: Longest wait for a free connection; past it the service is overloaded or the database away.
POOL_TIMEOUT_S = 2.0
#: Longest use of a connection where no deadline is set (workers, commands).
USE_TIMEOUT_S = 30.0

#: How long one request tries a database that did not answer the last one.
TRIAL_S = 0.4
#: Longest wait for a lock. Shorter than a request's deadline, which would leave the statement's outcome unknown.
LOCK_TIMEOUT_S = 1.5
#: Ends what the server itself can end; the guard on the socket covers the rest.
SESSION = (
    f"-c statement_timeout=20s -c lock_timeout={LOCK_TIMEOUT_S}s -c idle_in_transaction_session_timeout=5s"
    " -c client_connection_check_interval=5s -c timezone=UTC"
)


def session(options: str, *, pooled: bool) -> dict[str, Any]:
    """The arguments to connect with, so that the session has these options.

    Behind a pooler in transaction mode clients share sessions: nothing is prepared, and the pooler sets the options.
    """
    return {"prepare_threshold": None} if pooled else {"options": options}


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
    (workers, commands) are never refused.
    """

    def __init__(self) -> None:
        self._lasts = False
        self._trial = threading.Lock()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Learns from how the block ends whether the database is there. Raises `DatabaseAway` instead of running it."""
        if not self._lasts or remaining(float("inf")) == float("inf"):
            with self._learning():
                yield
        elif self._trial.acquire(blocking=False):
            try:
                # Short: the request may already have waited in the server's queue.
                with deadline(remaining(TRIAL_S)), self._learning():
                    yield
            finally:
                self._trial.release()
        else:
            raise DatabaseAway("the database did not answer a moment ago")

    @contextmanager
    def _learning(self) -> Iterator[None]:
        try:
            yield
        except psycopg.OperationalError as error:
            if isinstance(error, PoolTimeout) or remaining(1.0) == 0:
                self._lasts = True
            raise
        self._lasts = False


class Database:
    """A lazily opened pool of connections; nothing is reached before the first use.

    Connections are in autocommit mode: a statement outside `transaction()` is one round trip.
    """

    def __init__(self, url: str, pool_size: int, *, pooled: bool = False) -> None:
        self._guard = SocketGuard()
        self._outage = Outage()
        self._migrated = False
        self._pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=POOL_TIMEOUT_S,
            max_waiting=pool_size * 8,
            # Short, because the pool backs off without bound and should be back soon after the database.
            reconnect_timeout=5,
            check=_refuse_dead,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": 3,
                **session(SESSION, pooled=pooled),
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
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
            self._guard.guard(conn.fileno(), remaining(USE_TIMEOUT_S)),
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


def _refuse_dead(conn: Connection[Any]) -> None:
    """Raises OperationalError if the connection's server is gone. Costs a live connection no round trip."""
    idle = select.poll()
    idle.register(conn.fileno(), select.POLLIN)
    if idle.poll(0):  # the server has closed it, or sent a notice
        conn.execute("")
