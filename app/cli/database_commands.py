"""`coursegen migrate`: brings the database up to date, or takes this service out of it."""

from pathlib import Path

import click
import psycopg
from flask.cli import with_appcontext

from app.cli.operating import operating
from app.database.migrations import migrate, missing
from app.database.preflight import connect_briefly
from app.database.rollback import rollback
from app.operations.audit import record
from app.settings import Settings


@click.command("migrate")
@click.option("--check", is_flag=True, help="List what would be applied and change nothing. Exit code 1 if anything.")
@click.option("--upgrade-queue", is_flag=True, help="Also upgrade a queue schema that was here before this service.")
@click.option("--rollback", "undo", is_flag=True, help="Undo every migration instead.")
@click.option("--yes", is_flag=True, help="Roll back without asking.")
@click.option(
    "--export", type=click.Path(file_okay=False, path_type=Path), help="Where rollback writes finished courses."
)
@with_appcontext
def command(check: bool, upgrade_queue: bool, undo: bool, yes: bool, export: Path | None) -> None:
    """Bring the database up to date; running it again changes nothing."""
    with operating() as services:
        settings = services.settings
        if check:
            _check(settings)
        elif undo:
            _roll_back(settings, export, yes=yes)
        else:
            applied = migrate(settings.database_url, app_role=settings.app_role, upgrade_queue=upgrade_queue)
            if applied:
                with psycopg.connect(settings.database_url) as conn:
                    record(conn, conn.info.user, "migrate", applied=applied)
            click.echo("The database is up to date.")


def _check(settings: Settings) -> None:
    with connect_briefly(settings) as conn:
        names = missing(conn)
    for name in names:
        click.echo(name)
    if names:
        raise click.exceptions.Exit(1)
    click.echo("The database is up to date.")


def _roll_back(settings: Settings, export: Path | None, *, yes: bool) -> None:
    if not yes:
        click.confirm("Drop everything that this service has in the database, its records included?", abort=True)
    for kept in rollback(settings.database_url, app_role=settings.app_role, export=export):
        click.echo(kept)
    click.echo("The database is as it was before this service.")
