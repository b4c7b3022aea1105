"""`coursegen events`: the rows of `system_metrics`."""

import click

from app.cli.command_setup import as_json, limit, since, with_services
from app.cli.tables import print_rows
from app.generation.events import EventType
from app.operations.listings import list_events
from app.services import Services

COLUMNS = ("timestamp", "event_type", "severity", "user_id", "course_id", "job_id", "metadata")


@click.command("events")
@click.option("--type", "event_type", type=click.Choice([kind.value for kind in EventType]), help="Only this type.")
@since
@limit
@as_json
@with_services
def command(services: Services, event_type: str | None, since_s: int, limit: int, as_json: bool) -> None:
    """List the latest events. Times are in UTC."""
    rows = list_events(services.db, event_type=event_type, since_s=since_s, limit=limit)
    print_rows(rows, COLUMNS, as_json=as_json)
