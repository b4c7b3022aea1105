"""Checks the database before a process starts to serve."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

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
