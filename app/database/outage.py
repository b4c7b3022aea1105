"""An outage of the database as the requests of one process see it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolTimeout

from app.database.deadline import deadline, remaining

#: How long one request tries a database that did not answer the last one.
TRIAL_S = 0.4


class DatabaseAway(psycopg.OperationalError):
    """The database did not answer the last request that asked it, and another is finding out whether it does now."""


class Outage:
    """While the database is away or hangs, one request at a time waits for it; the others are refused at once.

    Without this every request would wait for its whole deadline on one of the few threads, and those behind it for
    that of all before. What has no deadline (workers, commands) is never refused.
    """

    def __init__(self) -> None:
        self._lasts = False
        self._trial = threading.Lock()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """The block asks the database; how it ends says whether the database is there. Raises `DatabaseAway`."""
        if not self._lasts or remaining(float("inf")) == float("inf"):
            with self._learning():
                yield
        elif self._trial.acquire(blocking=False):
            try:
                # It may have waited for a whole deadline already, behind those that found out.
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
