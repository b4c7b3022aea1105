"""What a database error means to the domain, by SQLSTATE. No other module decides that."""

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolTimeout, TooManyRequests

from app.database.pool import DatabaseAway, Unmigrated

#: Besides a lost connection: the same transaction may succeed when it is run again.
_RETRYABLE = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)
#: The server closes the connection.
_ENDED = (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.IdleInTransactionSessionTimeout)

#: The database, or the connection to it, can't serve now.
_UNABLE = (
    PoolTimeout,
    TooManyRequests,
    DatabaseAway,
    Unmigrated,
    pg.QueryCanceled,
    pg.ReadOnlySqlTransaction,
    pg.UndefinedFunction,  # a release is under way
)

#: The class of SQLSTATEs of a server without disk, memory or connections.
_INSUFFICIENT_RESOURCES = "53"


def is_connection_lost(error: BaseException) -> bool:
    """Whether the connection was lost or can't be made. It may work again in a moment."""
    if is_overloaded(error):
        return False
    if isinstance(error, _ENDED):
        return True
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate.startswith("08"))


def is_overloaded(error: BaseException) -> bool:
    """Whether no connection was free in time. Nothing was sent to the server."""
    return isinstance(error, PoolTimeout | TooManyRequests | DatabaseAway)


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when run again: connection lost, serialization, deadlock, lock."""
    return isinstance(error, _RETRYABLE) or is_connection_lost(error)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database can't serve any request now."""
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_INSUFFICIENT_RESOURCES):
        return True
    return isinstance(error, _UNABLE) or is_transient(error)
