"""`coursegen migrate`: brings the database up to date, or removes this service from it."""

from dataclasses import asdict
from pathlib import Path

import click

from app.cli.command_setup import as_json, operator, with_services
from app.cli.output import CommandFailed, echo, echo_data
from app.cli.tables import to_json
from app.database.migrations import abridge
from app.database.platform.remarks import Kind
from app.database.preflight import connect_briefly
from app.database.rollback import migrations_after, rollback
from app.operations import platform
from app.operations.actions import migrate_database, roll_back_database
from app.services import Services
from app.settings import Settings

#: What `--check` says, the most pressing first.
HEADINGS = {
    Kind.OBSTACLE: "In the way",
    Kind.DECIDE: "To decide",
    Kind.ADOPTED: "Adopted",
    Kind.FITS: "Fits",
}

#: What `--rollback` undoes without a version.
EVERYTHING = ""


@click.command("migrate")
@click.option(
    "--check", is_flag=True, help="Say whether the database fits, and change nothing. Exit code 1 if it does not."
)
@as_json
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
    services: Services,
    check: bool,
    as_json: bool,
    upgrade_queue: bool,
    undo: str | None,
    yes: bool,
    export: Path | None,
) -> None:
    """Bring the database up to date. Running it again changes nothing."""
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
        _check(settings, upgrade_queue=upgrade_queue, as_json=as_json)
        return
    migrate_database(settings, operator(), upgrade_queue=upgrade_queue)
    echo("The database is up to date.")


def _check(settings: Settings, *, upgrade_queue: bool, as_json: bool) -> None:
    remarks, pending = platform.check(settings, upgrade_queue=upgrade_queue)
    fits = all(remark.kind is not Kind.OBSTACLE for remark in remarks)
    if as_json:
        result = {"fits": fits, "remarks": [asdict(remark) for remark in remarks], "pending": pending}
        echo_data(to_json(result, 2) + "\n")
    else:
        for kind, heading in HEADINGS.items():
            lines = [f"  {r.says}" + (f"\n    → {r.how}" if r.how else "") for r in remarks if r.kind is kind]
            if lines:
                echo("\n".join([f"{heading}:", *lines]))
        echo(f"Would be applied: {abridge(pending)}" if pending else "The database is up to date.")
    if not fits:
        raise click.exceptions.Exit(1)


def _roll_back(settings: Settings, export: Path | None, *, yes: bool) -> None:
    if not yes:
        _confirm("Drop everything that this service has in the database, its records included?")
    try:
        for kept in rollback(settings.database_url, app_role=settings.app_role, export=export):
            echo(kept)
    except OSError as error:
        raise CommandFailed(f"Nothing was dropped, as {export} can't be written: {error.strerror}") from error
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
        raise CommandFailed("Nothing was undone. Answer y, or add --yes.") from error
