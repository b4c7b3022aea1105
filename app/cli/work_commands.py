"""`coursegen workers`, `queue` and `audit`: who works, what waits, and who changed what."""

import click

from app.cli.command_setup import as_json, limit, listing, with_services
from app.cli.output import echo
from app.cli.tables import print_rows, to_json
from app.generation.queue import QUEUES
from app.operations.ages import say_age
from app.operations.controls import list_controls
from app.operations.listings import read_rows
from app.operations.overview import list_queue, list_unserved, list_workers
from app.services import Services

WORKERS = ("state", "name", "process", "silent", "queues", "version", "places", "cpu_pressure", "in_hand")
WAITING = ("queue", "generation_id", "priority", "waits", "task", "slug", "aged_priority", "scheduled_at", "delayed_by")
#: What the names of controls begin with that pause stages.
STAGE = "stage"
AUDIT = ("at", "actor", "action", "generation_id", "course_id", "why")


@click.command("workers")
@as_json
@with_services
def workers(services: Services, as_json: bool) -> None:
    """List the workers of the last day, and what each does."""
    rows = list_workers(services)
    if not as_json:
        for row in rows:
            in_hand = [f"{each['stage']} of {each['id']} for {say_age(each['since_s'])}" for each in row["in_hand"]]
            row["in_hand"] = "; ".join(in_hand)
            row["queues"] = ", ".join(row["queues"])
            row["state"] = "alive" if row["is_alive"] else "dead"
            row["silent"] = say_age(row["silent_s"])
    print_rows(rows, WORKERS, as_json=as_json)


@click.command("queue")
@click.option("--queue", "only", type=click.Choice(QUEUES), help="Only this queue.")
@limit
@as_json
@with_services
def queue(services: Services, only: str | None, limit: int, as_json: bool) -> None:
    """List the jobs that wait, in the order of fetching. The delayed ones come last, with the reason."""
    rows = list_queue(services, limit, [only] if only else QUEUES)
    if not as_json:
        for control in list_controls(services.db):
            if control["name"].startswith(STAGE):
                why = control["reason"] or "no reason given"
                echo(f"{control['name']} is paused by {control['set_by']}: {why}", err=True)
        for unserved in list_unserved(services):
            if only in (None, unserved):
                echo(f"No worker serves {unserved}: start `coursegen worker --only {unserved}`", err=True)
        for row in rows:
            waits = row["waiting_s"] or 0
            row["waits"] = say_age(waits) if waits >= 0 else f"in {say_age(-waits)}"
            row["task"] = row["task"].removeprefix("tasks.")
    print_rows(rows, WAITING, as_json=as_json)


@click.command("audit")
@click.option("--actor", help="Only those whose names have this in them.")
@click.option("--action", help="Only this action, such as cancel.")
@click.option("--generation", "generation_id", type=click.UUID, help="Only changes of this generation.")
@listing
def audit(services: Services, as_json: bool, **filters: object) -> None:
    """List the latest changes by people. Times are in UTC."""
    rows = read_rows(services.db, "list_audit", **filters)
    if not as_json:
        for row in rows:
            row["why"] = " ".join(filter(None, [row["reason"], to_json(row["details"]) if row["details"] else ""]))
    print_rows(rows, AUDIT, as_json=as_json)
