"""What every command shares: its services, its options, and errors as one line."""

import functools
import getpass
import re
import socket
import sys
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import click
import psycopg
from flask.cli import with_appcontext

from app.cli.output import CommandFailed
from app.database.migration_session import MigrationError
from app.database.pool import Unmigrated
from app.generation.audit import Actor
from app.generation.errors import GenerationError
from app.operations.listings import NotFound
from app.services import Services
from app.services.current import current_services
from app.telemetry.log import configure_logging

P = ParamSpec("P")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[int]):
    """A span of time: a number with s, m, h or d. Converts to seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if found is None:
            self.fail(f"{value!r} is no span of time; use 90s, 30m, 24h or 7d", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


as_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
since = click.option("--since", "since_s", type=Span(), default="7d", show_default=True, help="How far back.")
limit = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows at most.")
reason = click.option("--reason", help="Why, for the audit.")
generation_id = click.argument("generation_id", type=click.UUID)


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
        try:
            function(services, *args, **kwargs)
        except (MigrationError, Unmigrated, GenerationError, NotFound) as error:
            raise CommandFailed(str(error)) from error
        except psycopg.Error as error:
            raise CommandFailed(f"The database can't be used: {error}") from error

    return run
