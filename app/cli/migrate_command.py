"""`coursegen migrate`: brings the database up to date, or removes this service from it."""

from pathlib import Path

import click

from app.cli.command_setup import operator, with_services
from app.cli.output import echo
from app.database.migrations import missing
from app.database.preflight import connect_briefly
from app.database.rollback import rollback
from app.operations.actions import migrate_database
from app.services import Services
from app.settings import Settings


@click.command("migrate")
@click.option(
    "--check", is_flag=True, help="List what would be applied and change nothing. Exit code 1 if anything would be."
)
@click.option("--upgrade-queue", is_flag=True, help="Also upgrade a queue schema that was here before this service.")
@click.option("--rollback", "undo", is_flag=True, help="Undo every migration instead.")
@click.option("--yes", is_flag=True, help="Roll back without asking.")
@click.option(
    "--export", type=click.Path(file_okay=False, path_type=Path), help="Where rollback writes finished courses."
)
@with_services
def command(services: Services, check: bool, upgrade_queue: bool, undo: bool, yes: bool, export: Path | None) -> None:
    """Bring the database up to date; running it again changes nothing."""
    settings = services.settings
    if undo and not check:
        _roll_back(settings, export, yes=yes)
        return
    if check:
        _check(settings)
    else:
        migrate_database(settings, operator(), upgrade_queue=upgrade_queue)
    echo("The database is up to date.")


def _check(settings: Settings) -> None:
    with connect_briefly(settings.database_url, pooled=settings.database_pooled) as conn:
        names = missing(conn)
    if names:
        echo("\n".join(names))
        raise click.exceptions.Exit(1)


def _roll_back(settings: Settings, export: Path | None, *, yes: bool) -> None:
    if not yes:
        click.confirm("Drop everything that this service has in the database, its records included?", abort=True)
    for kept in rollback(settings.database_url, app_role=settings.app_role, export=export):
        echo(kept)
    echo("The database is as it was before this service.")
