"""The look at the database before a process starts to serve."""

import logging
from typing import Any

import psycopg

from app.migrations import missing

log = logging.getLogger(__name__)


def connect_briefly(database_url: str) -> psycopg.Connection[Any]:
    """A connection for one quick look. Raises psycopg.OperationalError within seconds where there is no server."""
    return psycopg.connect(
        database_url, connect_timeout=3, autocommit=True, options="-c statement_timeout=3s -c lock_timeout=3s"
    )


def check_database(database_url: str) -> list[str]:
    """The migrations the database lacks; none when it is up to date, or can't be reached just now.

    A database that is away is no reason not to start: the first connection looks again.
    """
    try:
        with connect_briefly(database_url) as conn:
            return missing(conn)
    except psycopg.OperationalError as error:
        log.warning("database_unavailable", extra={"error": str(error)})
        return []


def refusal(names: list[str]) -> str:
    """What to tell who starts a process on an unmigrated database."""
    return f"The database is not migrated. Run `make migrate` (`flask --app wsgi migrate`). Missing: {', '.join(names)}"
