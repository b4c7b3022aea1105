"""`coursegen migrate`."""

import click
from flask.cli import with_appcontext

from app.cli.operating import operating
from app.database.migrations import migrate, rollback


@click.command("migrate")
@click.option("--rollback", "undo", is_flag=True, help="Undo the latest migration instead.")
@with_appcontext
def command(undo: bool) -> None:
    """Bring the database up to date; running it again changes nothing."""
    with operating() as services:
        (rollback if undo else migrate)(services.settings.database_url)
    click.echo("The latest migration is undone." if undo else "The database is up to date.")
