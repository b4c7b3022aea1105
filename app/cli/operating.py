"""What every command shares: its services, its options, tables for people and JSON for programs."""

import getpass
import json
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
import psycopg

from app.current import current_services
from app.database.migration_session import MigrationError
from app.database.pool import Unmigrated
from app.generation.audit import Actor
from app.generation.errors import GenerationError
from app.services import Services
from app.telemetry.log import configure_logging

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Since(click.ParamType[int]):
    """How far back: a number with s, m, h or d; converted to seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if found is None:
            self.fail(f"{value!r} is no span of time; say 90s, 30m, 24h or 7d", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


as_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
since = click.option("--since", "seconds", type=Since(), default="7d", show_default=True, help="How far back.")
limit = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows at most.")

reason = click.option("--reason", help="Why, for the audit.")


def operator(reason: str | None) -> Actor:
    """Who runs this command, as the audit names them."""
    return Actor(f"cli:{getpass.getuser()}@{socket.gethostname()}", reason)


@contextmanager
def operating() -> Iterator[Services]:
    """The services for one command: its log goes to standard error, and what fails ends it with one line."""
    services = current_services()
    settings = services.settings
    configure_logging("cli", settings.log_level, settings.app_env, settings.app_version, sys.stderr)
    try:
        yield services
    except (MigrationError, Unmigrated, GenerationError) as error:
        raise click.ClickException(str(error)) from error
    except psycopg.Error as error:
        raise click.ClickException(f"The database can't be used: {error}") from error


def show(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, json_wanted: bool) -> None:
    """The rows as a table of the named columns (key → heading), or whole as a JSON list."""
    if json_wanted:
        click.echo(json.dumps(list(rows), ensure_ascii=False, default=_plain))
        return
    cells = [[_cell(row[key]) for key in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns.values(), *cells, strict=False)]
    for line in [list(columns.values()), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    # Whatever a terminal would obey is a space: some of it strangers wrote.
    return "".join(c if c.isprintable() else " " for c in str(value))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
