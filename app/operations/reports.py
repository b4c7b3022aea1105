"""The metrics of `sql/metrics`: what an operator asks of the past, one file and one table of rows each.

The very same files run under `psql -f`. Of psql's language they use three things: lines that begin with a backslash,
which speak to psql alone and are left out here; full-line comments; and `:'name'`, which psql replaces by a quoted
literal and which is a bound parameter here. No value ever becomes part of the SQL's text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row

from app.database.pool import Database
from app.database.queries import SQL

#: Longest time a metric may take; shorter than a connection may be used.
STATEMENT_TIMEOUT_S = 25

_HEAD = re.compile(r"-- (?P<name>\w+): (?P<question>.+)\n--\n-- How to read it: ")
_UNSENT = re.compile(r"^\s*(?:\\|--).*\n?", re.MULTILINE)
_VARIABLE = re.compile(r":'(\w+)'")
_DEFAULT = re.compile(r"^\s*\\set since (\S+)$", re.MULTILINE)


class BadSince(Exception):
    """What was given is neither an interval nor a time, or a time to come; the message says which."""


class MetricTimeout(Exception):
    """The answer took longer than `STATEMENT_TIMEOUT_S`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One file: the question it answers, in a line, and its statement."""

    name: str
    question: str
    statement: LiteralString


@dataclass(frozen=True, slots=True)
class Answer:
    """What a metric says of the time from `since` on."""

    since: datetime
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def load_metrics(folder: Path = SQL / "metrics") -> dict[str, Metric]:
    """Every metric by its name. Raises ValueError where a file doesn't begin with its name and question."""
    metrics = {}
    for path in sorted(folder.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        head = _HEAD.match(text)
        if head is None or head["name"] != path.stem:
            raise ValueError(f"{path.name} doesn't begin with `-- {path.stem}: ` and a question")
        metrics[path.stem] = Metric(path.stem, head["question"], read_statement(text))
    return metrics


def read_statement(text: str) -> LiteralString:
    """The one statement of a file of psql's, its variables as psycopg's named parameters."""
    sql = _UNSENT.sub("", text).strip().rstrip(";").replace("%", "%%")
    # The files are this project's own source, as trusted as a literal in the code.
    return _VARIABLE.sub(r"%(\1)s", sql)


_SINCE = (SQL / "metrics" / "since.psql").read_text(encoding="utf-8")
_RESOLVE_SINCE = read_statement(_SINCE)
DEFAULT_SINCE = _DEFAULT.findall(_SINCE)[0]
METRICS = load_metrics()


def ask(db: Database, metric: Metric, since: str, variables: Mapping[str, object]) -> Answer:
    """The metric's rows since then, from a read-only transaction of its own.

    `variables` are those of psql that the file names besides `since`. Raises `BadSince`, `MetricTimeout`, and what
    `Database.connection` raises.
    """
    with db.connection() as conn, conn.transaction():
        # One snapshot and one `now()` for both statements.
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute("select set_config('statement_timeout', %s, true)", (f"{STATEMENT_TIMEOUT_S}s",))
        begin = _resolve(conn, since)
        with conn.cursor(row_factory=tuple_row) as cursor:
            try:
                cursor.execute(metric.statement, {**variables, "since": begin})
            except psycopg.errors.QueryCanceled as error:
                raise MetricTimeout(metric.name) from error
            columns = tuple(column.name for column in cursor.description or ())
            return Answer(begin, columns, tuple(cursor.fetchall()))


def _resolve(conn: Connection[Any], since: str) -> datetime:
    try:
        with conn.cursor(row_factory=tuple_row) as cursor:
            (begin,) = cursor.execute(_RESOLVE_SINCE, {"since": since}).fetchall()[0]
            ((future,),) = cursor.execute("select %s > now()", (begin,)).fetchall()
    except (psycopg.DataError, UnicodeError) as error:
        raise BadSince(
            f"{since!r} is neither an interval, such as 24h or 7d, nor a time, such as 2026-11-01."
        ) from error
    if future:
        raise BadSince(f"{since!r} is yet to come.")
    return cast(datetime, begin)
