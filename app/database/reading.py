"""A read-only way to use a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import Database


class ReadOnlyDatabase(Database):
    """The pool of another `Database`: each use of a connection is a read-only transaction, each statement limited.

    A statement that takes longer raises `psycopg.errors.QueryCanceled`.
    """

    def __init__(self, db: Database, statement_timeout_s: float) -> None:
        self._db = db
        self._timeout = f"{statement_timeout_s}s"

    @contextmanager
    def connection(self) -> Iterator[Connection[DictRow]]:
        """A connection inside such a transaction. Raises as `Database.connection`."""
        with self._db.connection() as conn, conn.transaction():
            # Searches have many optional filters: a plan for all values of them would read whole tables.
            conn.execute("set transaction read only")
            conn.execute("select set_config('plan_cache_mode', 'force_custom_plan', true)")
            conn.execute("select set_config('statement_timeout', %s, true)", (self._timeout,))
            yield conn

    def close(self) -> None:
        """Leaves the pool open: its owner closes it."""
