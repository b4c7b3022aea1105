"""The reports of `sql/metrics`: each file answers one question about the past.

psql runs the same files. They use three parts of psql's language, which `read_statement` translates: lines that begin
with a backslash, full-line comments, and `:'name'`, a quoted literal in psql and a bound parameter here. No value ever
becomes part of the SQL's text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import Cursor
from psycopg.rows import tuple_row

from app.database.pool import Database
from app.database.queries import SQL

#: The longest time a report may take. Shorter than the time limit of a connection.
STATEMENT_TIMEOUT_S = 25

_HEAD = re.compile(r"-- (?P<name>\w+): (?P<question>.+)\n--\n-- How to read it: ")
_NOT_SQL = re.compile(r"^\s*(?:\\|--).*\n?", re.MULTILINE)
_VARIABLE = re.compile(r":'(\w+)'")
_DEFAULT = re.compile(r"^\s*\\set since (\S+)$", re.MULTILINE)


class BadSince(Exception):
    """The value is neither an interval nor a time, or is in the future; the message says which."""


class ReportTimeout(Exception):
    """The report took longer than `STATEMENT_TIMEOUT_S`."""


@dataclass(frozen=True, slots=True)
class Report:
    """One file: the question it answers, in a line, and its statement."""

    name: str
    question: str
    statement: LiteralString


@dataclass(frozen=True, slots=True)
class Result:
    """A report's rows about the time from `since` on."""

    since: datetime
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def load_reports(folder: Path = SQL / "metrics") -> dict[str, Report]:
    """Every report by its name. Raises ValueError if a file doesn't begin with its name and question."""
    reports = {}
    for path in sorted(folder.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        head = _HEAD.match(text)
        if head is None or head["name"] != path.stem:
            raise ValueError(f"{path.name} doesn't begin with `-- {path.stem}: ` and a question")
        reports[path.stem] = Report(path.stem, head["question"], read_statement(text))
    return reports


def read_statement(text: str) -> LiteralString:
    """The one statement of a psql file, its variables as psycopg's named parameters."""
    sql = _NOT_SQL.sub("", text).strip().rstrip(";").replace("%", "%%")
    # The files are this project's own source, as trusted as a literal in the code.
    return _VARIABLE.sub(r"%(\1)s", sql)


_SINCE = (SQL / "metrics" / "since.psql").read_text(encoding="utf-8")
_RESOLVE_SINCE = read_statement(_SINCE)
DEFAULT_SINCE = _DEFAULT.findall(_SINCE)[0]
REPORTS = load_reports()


def run_report(db: Database, report: Report, since: str, variables: Mapping[str, object]) -> Result:
    """The report's rows since then, from a read-only transaction of its own.

    `variables` are the file's psql variables except `since`. Raises `BadSince`, `ReportTimeout`, and as
    `Database.connection`.
    """
    with db.connection() as conn, conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
        # One snapshot and one `now()` for every statement.
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("select set_config('statement_timeout', %s, true)", (f"{STATEMENT_TIMEOUT_S}s",))
        begin = _resolve(cursor, since)
        try:
            cursor.execute(report.statement, {**variables, "since": begin})
        except psycopg.errors.QueryCanceled as error:
            raise ReportTimeout(report.name) from error
        return Result(begin, tuple(column.name for column in cursor.description or ()), tuple(cursor.fetchall()))


def _resolve(cursor: Cursor[tuple[Any, ...]], since: str) -> datetime:
    try:
        [(begin,)] = cursor.execute(_RESOLVE_SINCE, {"since": since}).fetchall()
        [(future,)] = cursor.execute("select %s > now()", (begin,)).fetchall()
    except (psycopg.DataError, UnicodeError) as error:
        raise BadSince(f"{since!r} is neither an interval like 24h or 7d, nor a time like 2026-11-01.") from error
    if future:
        raise BadSince(f"{since!r} is in the future.")
    return cast(datetime, begin)
