"""The operator's commands: `flask --app wsgi …`."""

import json

import click
from flask import Flask

from app.generation.drift import compare_slots
from app.http.services import current_services
from app.migrations import migrate


def register_commands(app: Flask) -> None:
    app.cli.add_command(migrate_command)
    app.cli.add_command(slots_command)


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date; running it again changes nothing."""
    migrate(current_services().settings.database_url)
    click.echo("The database is up to date.")


@click.command("slots")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--rebuild", is_flag=True, help="Put Redis right from PostgreSQL first.")
def slots_command(as_json: bool, rebuild: bool) -> None:
    """Show who holds slots: PostgreSQL's truth beside Redis, and the drift between them."""
    services = current_services()
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
