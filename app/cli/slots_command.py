"""`coursegen slots`: who holds slots, in PostgreSQL and in Redis."""

import click

from app.cli.command_setup import as_json, operator, with_services
from app.cli.tables import print_rows
from app.operations.actions import rebuild_slots
from app.operations.slot_drift import compare_slots
from app.services import Services


@click.command("slots")
@as_json
@click.option("--rebuild", is_flag=True, help="Rebuild Redis from PostgreSQL first.")
@with_services
def command(services: Services, as_json: bool, rebuild: bool) -> None:
    """Show how many slots each user holds in PostgreSQL and in Redis, and the difference."""
    if rebuild:
        rebuild_slots(services, operator())
    rows = [{**count._asdict(), "drift": count.drift} for count in compare_slots(services.db, services.slots)]
    if not as_json:
        for row in rows:
            drift = "?" if row["drift"] is None else f"{row['drift']:+d}" if row["drift"] else "0"
            row.update(redis="away" if row["redis"] is None else row["redis"], drift=drift)
    print_rows(rows, ("holder", "postgresql", "redis", "drift"), as_json=as_json)
