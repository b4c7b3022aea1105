"""Checks the database before a process starts to serve."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

from app.database.deadline import SocketGuard
from app.database.migrations import missing
from app.database.session import connect_arguments, set_statements

#: The longest time of a short check.
CHECK_S = 10.0

log = logging.getLogger(__name__)
_guard = SocketGuard()


@contextmanager
def connect_briefly(url: str, *, pooled: bool) -> Iterator[psycopg.Connection[Any]]:
    """A connection for a short check. Raises psycopg.OperationalError within seconds where there is no server."""
    with (
        psycopg.connect(
            url,
            connect_timeout=3,
            autocommit=True,
            **connect_arguments(pooled=pooled),
        ) as conn,
        _guard.guard(conn.fileno(), CHECK_S),
    ):
        if not pooled:
            conn.execute(set_statements({"statement_timeout": "3s", "lock_timeout": "3s"}, conn.info.server_version))
        yield conn


def check_database(url: str, *, pooled: bool) -> list[str]:
    """The migrations the database lacks; none when it is up to date, or can't be reached just now.

    A database that is away is no reason not to start: the first connection looks again.
    """
    try:
        with connect_briefly(url, pooled=pooled) as conn:
            return missing(conn)
    except psycopg.OperationalError as error:
        log.warning("database_unavailable", extra={"error": str(error)})
        return []


def locate(url: str) -> str:
    """The database that the URL names, and its server, without a password."""
    parts = conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    return f"{parts.get('dbname') or parts.get('user') or ''} at {host}:{parts.get('port') or 5432}"


def explain_outage(url: str, error: psycopg.Error, *, pooled: bool) -> str:
    """A sentence that says which database failed, and why. A pool that waited in vain does not know why."""
    if isinstance(error, PoolTimeout):
        try:
            with connect_briefly(url, pooled=pooled):
                pass
        except psycopg.OperationalError as cause:
            error = cause
    reason = (str(error).splitlines() or [type(error).__name__])[0].rpartition(" failed: ")[2]
    failed = "can't be used" if isinstance(error, psycopg.OperationalError) else "rejected this"
    return f"The database {locate(url)} {failed}: {reason}"
