"""What every command shares: its services, its options, and errors as one line."""

import functools
import getpass
import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import click
import psycopg
from flask.cli import with_appcontext

from app.cli.output import CommandFailed
from app.cli.tables import WIDE
from app.database.migration_session import MigrationError
from app.database.pool import Unmigrated
from app.database.preflight import explain_outage
from app.generation.audit import Actor
from app.generation.errors import GenerationError
from app.operations.generations.filters import read_span, read_time
from app.operations.listings import NotFound
from app.services import Services
from app.services.current import current_services
from app.telemetry.log import configure_logging

P = ParamSpec("P")

#: The loggers of errors that the command's last line says.
SAID = ("psycopg.pool", "app.generation.admission.refusals", "app.generation.transaction_retries")
#: Why a statement that takes long may do so.
LOCKED = "another session locks what it needs (`coursegen doctor` names it)"


class Span(click.ParamType[int]):
    """A span of time: a number with s, m, h, d or w. Converts to seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        seconds = value if isinstance(value, int) else read_span(value)
        if seconds is None:
            self.fail(f"{value!r} is no span of time; use 90s, 30m, 24h, 7d or 1w", param, ctx)
        return seconds


class Since(click.ParamType[float]):
    """A span of time back from now, or a time in UTC. Converts to seconds back from now."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return value
        moment = read_time(value)
        if moment is None:
            self.fail(f"{value!r} is neither a span (24h, 7d, 1w) nor a time in UTC (2026-11-29T14:30)", param, ctx)
        seconds = time.time() - moment.timestamp()
        if seconds < 0:
            self.fail(f"{value!r} is in the future", param, ctx)
        return seconds


def _keep_wide(context: click.Context, param: click.Parameter, is_wide: bool) -> None:
    context.meta[WIDE] = is_wide


wide = click.option(
    "--wide", is_flag=True, expose_value=False, callback=_keep_wide, help="Every column in full, however wide."
)
since = click.option(
    "--since",
    "since_s",
    type=Since(),
    default="7d",
    show_default=True,
    help="How far back: 24h, 7d, or a time in UTC.",
)
limit = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows at most.")
reason = click.option("--reason", help="Why, for the audit.")
generation_id = click.argument("generation_id", type=click.UUID)


def as_json(function: Callable[..., None]) -> Callable[..., None]:
    """The command prints rows: a table, which fits a terminal unless `--wide` is given, or JSON."""
    return click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")(wide(function))


def listing(function: Callable[..., None]) -> Callable[..., None]:
    """The command prints the latest rows of a query, whose parameters have the names of its options."""
    return since(limit(as_json(with_services(function))))


def operator(reason: str | None = None) -> Actor:
    """Who runs this command, as the audit names them."""
    return Actor(f"cli:{getpass.getuser()}@{socket.gethostname()}", reason)


def with_services(function: Callable[Concatenate[Services, P], None]) -> Callable[P, None]:
    """The command gets the services. Its log goes to standard error, and an expected error ends it with one line."""

    @with_appcontext
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        services = current_services()
        settings = services.settings
        configure_logging("cli", settings.log_level, settings.app_env, settings.app_version, sys.stderr)
        for handler in logging.getLogger().handlers:
            handler.addFilter(lambda record: record.name not in SAID)
        try:
            function(services, *args, **kwargs)
        except (MigrationError, Unmigrated, GenerationError, NotFound) as error:
            raise CommandFailed(str(error)) from error
        except UnicodeEncodeError as error:
            if error.encoding != "utf-8":  # the terminal's, which can't show a text
                raise
            raise CommandFailed("An argument is no text in UTF-8.") from error
        except psycopg.errors.QueryCanceled as error:
            raise CommandFailed(f"The database took too long: ask for less, unless {LOCKED}.") from error
        except psycopg.errors.LockNotAvailable as error:
            raise CommandFailed(f"The database took too long: {LOCKED}.") from error
        except psycopg.Error as error:
            why = explain_outage(settings.database_url, error, pooled=settings.database_pooled)
            raise CommandFailed(why) from error

    return run
