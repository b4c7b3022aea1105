"""The look at the database before a process starts to serve."""

import logging
from typing import Any

import psycopg

from app.database.migrations import missing
from app.database.pool import session
from app.settings import Settings

log = logging.getLogger(__name__)


def connect_briefly(settings: Settings) -> psycopg.Connection[Any]:
    """A connection for one quick look. Raises psycopg.OperationalError within seconds where there is no server."""
    return psycopg.connect(
        settings.database_url,
        connect_timeout=3,
        autocommit=True,
        **session("-c statement_timeout=3s -c lock_timeout=3s", pooled=settings.database_pooled),
    )


def check_database(settings: Settings) -> list[str]:
    """The migrations the database lacks; none when it is up to date, or can't be reached just now.

    A database that is away is no reason not to start: the first connection looks again.
    """
    try:
        with connect_briefly(settings) as conn:
            return missing(conn)
    except psycopg.OperationalError as error:
        log.warning("database_unavailable", extra={"error": str(error)})
        return []


def refusal(names: list[str]) -> str:
    """What to tell who starts a process on an unmigrated database."""
    return f"The database is not migrated. Run `coursegen migrate`. Missing: {', '.join(names)}"
