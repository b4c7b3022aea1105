"""The operator's commands: `flask --app wsgi …`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg
from flask import Flask
from flask.cli import with_appcontext

from app.current import current_services
from app.db import Unmigrated
from app.generation.drift import compare_slots
from app.log import configure_logging
from app.migrations import MigrationError, migrate
from app.services import Services


def register_commands(app: Flask) -> None:
    app.cli.add_command(migrate_command)
    app.cli.add_command(slots_command)


@contextmanager
def operating() -> Iterator[Services]:
    """The services for one command: its log goes to standard error, and a database that fails ends it with one line."""
    services = current_services()
    settings = services.settings
    configure_logging("cli", settings.log_level, settings.app_env, settings.app_version, sys.stderr)
    try:
        yield services
    except (MigrationError, Unmigrated) as error:
        raise click.ClickException(str(error)) from error
    except psycopg.Error as error:
        raise click.ClickException(f"The database can't be used: {error}") from error


@click.command("migrate")
@with_appcontext
def migrate_command() -> None:
    """Bring the database up to date; running it again changes nothing."""
    with operating() as services:
        migrate(services.settings.database_url)
    click.echo("The database is up to date.")


@click.command("slots")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.option("--rebuild", is_flag=True, help="Put Redis right from PostgreSQL first.")
@with_appcontext
def slots_command(as_json: bool, rebuild: bool) -> None:
    """Show who holds slots: PostgreSQL's truth beside Redis, and the drift between them."""
    with operating() as services:
        if rebuild:
            services.slots.rebuild_all()
        rows = compare_slots(services.db, services.slots)
    if as_json:
        click.echo(json.dumps([row.as_dict() for row in rows]))
        return
    click.echo(f"{'holder':<38}{'PostgreSQL':>12}{'Redis':>8}{'drift':>8}")
    for row in rows:
        redis = "away" if row.redis is None else str(row.redis)
        drift = "?" if row.drift is None else f"{row.drift:+d}" if row.drift else "0"
        click.echo(f"{row.holder:<38}{row.postgresql:>12}{redis:>8}{drift:>8}")
