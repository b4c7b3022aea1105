"""`coursegen migrate`: brings the database up to date, or removes this service from it."""

from pathlib import Path

import click

from app.cli.command_setup import operator, with_services
from app.cli.output import echo
from app.database.migrations import missing
from app.database.preflight import connect_briefly
from app.database.rollback import migrations_after, rollback
from app.operations.actions import migrate_database, roll_back_database
from app.services import Services
from app.settings import Settings

#: What `--rollback` undoes without a version.
EVERYTHING = ""


@click.command("migrate")
@click.option(
    "--check", is_flag=True, help="List what would be applied and change nothing. Exit code 1 if anything would be."
)
@click.option("--upgrade-queue", is_flag=True, help="Also upgrade a queue schema that was here before this service.")
@click.option(
    "--rollback",
    "undo",
    is_flag=False,
    flag_value=EVERYTHING,
    metavar="[VERSION]",
    help="Undo the migrations after VERSION instead; without one everything.",
)
@click.option("--yes", is_flag=True, help="Roll back without asking.")
@click.option(
    "--export", type=click.Path(file_okay=False, path_type=Path), help="Where rollback writes finished courses."
)
@with_services
def command(
    services: Services, check: bool, upgrade_queue: bool, undo: str | None, yes: bool, export: Path | None
) -> None:
    """Bring the database up to date; running it again changes nothing."""
    settings = services.settings
    if undo is not None and check:
        raise click.UsageError("--check and --rollback exclude each other")
    if undo and export:
        raise click.UsageError("--export goes with a --rollback of everything")
    if undo is not None:
        if undo == EVERYTHING:
            _roll_back(settings, export, yes=yes)
        else:
            _roll_back_to(settings, undo, yes=yes)
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
        _confirm("Drop everything that this service has in the database, its records included?")
    for kept in rollback(settings.database_url, app_role=settings.app_role, export=export):
        echo(kept)
    echo("The database is as it was before this service.")


def _roll_back_to(settings: Settings, version: str, *, yes: bool) -> None:
    with connect_briefly(settings.database_url, pooled=settings.database_pooled) as conn:
        names = migrations_after(conn, version)
    if names and not yes:
        echo("\n".join(["This undoes, with what they hold:", *names]))
        _confirm("Undo them?")
    for name in roll_back_database(settings, operator(), version):
        echo(f"Undone: {name}")
    echo(f"The database is at {version}. Run `coursegen migrate` of the release that will run.")


def _confirm(question: str) -> None:
    try:
        click.confirm(question, abort=True)
    except click.Abort as error:
        raise click.ClickException("Nothing was undone. Answer y, or add --yes.") from error
