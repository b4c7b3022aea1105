"""How the requests of one process react to an outage of the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolTimeout

from app.database.deadline import deadline, remaining

#: How long one request tries a database that did not answer the last one.
TRIAL_S = 0.4


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
