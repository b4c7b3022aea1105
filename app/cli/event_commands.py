"""`coursegen events`."""

import click
from flask.cli import with_appcontext

from app.cli.operating import as_json, limit, operating, show, since
from app.database.queries import QUERIES
from app.generation.events import EventType

COLUMNS = {
    "timestamp": "time (UTC)",
    "event_type": "event",
    "severity": "severity",
    "user_id": "user",
    "course_id": "course",
    "job_id": "job",
    "metadata": "metadata",
}


@click.command("events")
@click.option("--type", "event_type", type=click.Choice([kind.value for kind in EventType]), help="Only this type.")
@since
@limit
@as_json
@with_appcontext
def command(event_type: str | None, seconds: int, limit: int, as_json: bool) -> None:
    """The latest events."""
    values = {"event_type": event_type, "seconds": seconds, "limit": limit}
    with operating() as services, services.db.connection() as conn:
        rows = conn.execute(QUERIES["list_events"], values).fetchall()
    show(rows, COLUMNS, json_wanted=as_json)
