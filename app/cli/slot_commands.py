"""`coursegen slots`."""

import click
from flask.cli import with_appcontext

from app.cli.operating import as_json, operating, operator, show
from app.operations.actions import rebuild_slots
from app.operations.slot_drift import compare_slots


@click.command("slots")
@as_json
@click.option("--rebuild", is_flag=True, help="Rebuild Redis from PostgreSQL first.")
@with_appcontext
def command(as_json: bool, rebuild: bool) -> None:
    """Show how many slots each user holds in PostgreSQL and in Redis, and the difference."""
    with operating() as services:
        if rebuild:
            rebuild_slots(services, operator(None))
        rows = [row.as_dict() for row in compare_slots(services.db, services.slots)]
    if not as_json:
        rows = [
            {**row, "redis": "away", "drift": "?"}
            if row["redis"] is None
            else {**row, "drift": f"{row['drift']:+d}" if row["drift"] else "0"}
            for row in rows
        ]
    columns = {"holder": "holder", "postgresql": "PostgreSQL", "redis": "Redis", "drift": "drift"}
    show(rows, columns, json_wanted=as_json)
