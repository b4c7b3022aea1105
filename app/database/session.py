"""The settings of every session. They do not depend on the defaults of the database and its roles."""

import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import DictRow

#: What our statements and the reading of their results depend on. PgBouncer's `connect_query` repeats them and the
#: limits of the API, and has room for 500 characters.
SETTINGS: Mapping[str, str] = {
    "search_path": "public",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "row_security": "on",
    "idle_session_timeout": "0",
}
ENCODING = "UTF8"
#: How a connection whose server is gone without a word is noticed: within 20 seconds.
KEEPALIVES: Mapping[str, int] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
#: A read-only session is replaced when it is this old: the database may have become writable since.
READ_ONLY_S = 3.0


def connect_arguments(*, pooled: bool) -> dict[str, Any]:
    """The arguments to connect with. No option is sent at the start: poolers in session mode take none.

    Behind a pooler in transaction mode clients share sessions: nothing is prepared.
    """
    return {"client_encoding": ENCODING, **({"prepare_threshold": None} if pooled else {})}


def set_statements(limits: Mapping[str, str], server_version: int) -> bytes:
    """Sets `SETTINGS` and these limits in a new session. Behind a pooler in transaction mode the pooler does."""
    settings = {**SETTINGS, **limits, **({"transaction_timeout": "0"} if server_version >= 170000 else {})}
    return "; ".join(f"set {name} = '{value}'" for name, value in settings.items()).encode()


class Session(psycopg.Connection[DictRow]):
    """A connection that knows its age."""

    opened_at = 0.0


class AsyncSession(psycopg.AsyncConnection[Any]):
    """The same for workers."""

    opened_at = 0.0


def is_read_only(conn: Session | AsyncSession) -> bool:
    """Whether the session is read-only from its start. The server reports it without a round trip."""
    status = conn.pgconn.parameter_status
    return b"on" in (status(b"default_transaction_read_only"), status(b"in_hot_standby"))


def is_outdated(conn: Session | AsyncSession) -> bool:
    """Whether the session is read-only, and has lasted longer than the database may be so."""
    return is_read_only(conn) and time.monotonic() - conn.opened_at > READ_ONLY_S
