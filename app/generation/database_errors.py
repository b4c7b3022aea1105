"""What an error of the database means to the domain: by SQLSTATE and constraint, here and nowhere else."""

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolTimeout, TooManyRequests

from app.database.outage import DatabaseAway
from app.database.pool import Unmigrated
from app.generation.errors import GenerationActive, SlotClash

#: SQLSTATEs of a transaction that may succeed when it is simply run again, besides a lost connection.
_RETRYABLE = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)
#: SQLSTATEs with which the server says that it ends the connection.
_ENDED = (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.IdleInTransactionSessionTimeout)

#: The database, or our way to it, can't do it just now.
_UNABLE = (
    PoolTimeout,
    TooManyRequests,
    DatabaseAway,
    Unmigrated,
    pg.QueryCanceled,
    pg.ReadOnlySqlTransaction,
)

#: The class of SQLSTATEs of a server out of disk, memory or connections: it is unable, too.
_INSUFFICIENT_RESOURCES = "53"

_SLOT_INDEXES = ("generations_user_slot", "generations_system_slot")


def is_connection_lost(error: BaseException) -> bool:
    """Whether the server was reached and lost, or can't be reached; it may be back in a moment."""
    if is_overloaded(error):
        return False
    if isinstance(error, _ENDED):
        return True
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate.startswith("08"))


def is_overloaded(error: BaseException) -> bool:
    """Whether no connection could be had in time; nothing was asked of the server."""
    return isinstance(error, PoolTimeout | TooManyRequests | DatabaseAway)


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when run again: connection lost, serialization, deadlock, lock."""
    return isinstance(error, _RETRYABLE) or is_connection_lost(error)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database can't serve just now, by no fault of the request."""
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_INSUFFICIENT_RESOURCES):
        return True
    return isinstance(error, _UNABLE) or is_transient(error)


def domain_error(error: Exception) -> Exception:
    """The domain's word for a violated constraint; any other error as it is."""
    constraint = error.diag.constraint_name if isinstance(error, pg.UniqueViolation) else None
    if constraint in _SLOT_INDEXES:
        return SlotClash()
    if constraint == "generations_one_active_per_course":
        return GenerationActive()
    return error
