"""Databases that take no writes for a while, as managed ones do while their disk is full."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from stack.postgres import PostgresServer

#: Of a session that may write although the database is read-only by default.
WRITES = "-c default_transaction_read_only=off"


@contextmanager
def read_only(server: PostgresServer) -> Iterator[None]:
    """Inside the block, new sessions of the database `postgres` are read-only, and there are no others."""
    with psycopg.connect(server.url, autocommit=True, options=WRITES) as admin:
        admin.execute("alter database postgres set default_transaction_read_only = on")
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        try:
            yield
        finally:
            admin.execute("alter database postgres reset default_transaction_read_only")
