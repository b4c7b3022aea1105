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
    pg.QueryCanceled,
)
#: Errors of one statement, which may have met something that no other statement meets.
_OF_ONE_STATEMENT = (*_RETRYABLE, pg.QueryCanceled, pg.ReadOnlySqlTransaction)

#: The class of SQLSTATEs of a server without disk, memory or connections.
_INSUFFICIENT_RESOURCES = "53"
#: A missing function of these names: a release is under way. Of another name: a trigger of the platform is wrong.
_OUR_FUNCTIONS = ("coursegen.", "procrastinate_")


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


def is_refused(error: BaseException) -> bool:
    """Whether the database is read-only, or in the middle of a release: it takes no write from anybody."""
    if isinstance(error, pg.UndefinedFunction):
        return any(name in (error.diag.message_primary or "") for name in _OUR_FUNCTIONS)
    return isinstance(error, pg.ReadOnlySqlTransaction | Unmigrated)


def is_of_one_statement(error: BaseException) -> bool:
    """Whether only this statement may fail, while a database that answers others serves them."""
    return isinstance(error, _OF_ONE_STATEMENT)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database can't serve any request now."""
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_INSUFFICIENT_RESOURCES):
        return not isinstance(error, pg.ConfigurationLimitExceeded)  # a limit of this statement's temporary files
    return isinstance(error, _UNABLE) or is_refused(error) or is_transient(error)
