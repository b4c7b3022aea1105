"""`coursegen doctor`, `events`, `processes`, `settings` and `slots`: the state of the service."""

from dataclasses import asdict

import click

from app.cli.command_setup import as_json, listing, operator, reason, with_services
from app.cli.output import echo
from app.cli.tables import print_rows
from app.generation.events import EVENT_TYPES
from app.operations.actions import rebuild_slots
from app.operations.doctor import State, examine, examine_platform, summarize
from app.operations.listings import compare_slots, read_rows
from app.operations.processes.settings import SAME, list_processes, list_settings
from app.services import Services

PROCESSES = (
    "process",
    "kind",
    "version",
    "places",
    "cpu_pressure",
    "memory_available",
    "started_at",
    "seen_at",
    "is_alive",
)
EVENTS = ("timestamp", "event_type", "job_id", "severity", "course_id", "user_id", "metadata")


@click.command("doctor")
@as_json
@click.option("--platform", "of_platform", is_flag=True, help="Check the platform's database instead.")
@with_services
def doctor(services: Services, as_json: bool, of_platform: bool) -> None:
    """Say what is wrong, and what to do about it. Exit code 1 if anything is an error."""
    findings = examine_platform(services.settings) if of_platform else examine(services)
    rows = [asdict(finding) for finding in findings]
    if not as_json:
        for row in rows:
            row["found"] += f" → {row['advice']}" if row["advice"] else ""
    print_rows(rows, ("state", "check", "found"), as_json=as_json)
    if not as_json:
        echo(f"\n{summarize(findings)}")
    if any(finding.state is State.ERROR for finding in findings):
        raise click.exceptions.Exit(1)


@click.command("events")
@click.option(
    "--type",
    "event_type",
    type=click.Choice(EVENT_TYPES),
    help="Only this type.",
)
@listing
def events(services: Services, as_json: bool, **filters: object) -> None:
    """List the latest events. Times are in UTC."""
    print_rows(read_rows(services.db, "list_events", **filters), EVENTS, as_json=as_json)


@click.command("processes")
@as_json
@with_services
def processes(services: Services, as_json: bool) -> None:
    """List the processes of the last day. Times are in UTC."""
    print_rows(list_processes(services), PROCESSES, as_json=as_json)


@click.command("settings")
@as_json
@click.option("--differing", is_flag=True, help="Only those that are not the same everywhere.")
@with_services
def settings(services: Services, as_json: bool, differing: bool) -> None:
    """Show the settings of every live process.

    This command is among them. Of secrets there is a fingerprint. Those that conflict should be the same everywhere;
    those that differ may.
    """
    rows = [row for row in list_settings(services, "cli") if not differing or row["state"] != SAME]
    if not as_json:
        for row in rows:
            row["value"] += "" if row["state"] == SAME else f" in {', '.join(row['processes'])}"
    print_rows(rows, ("setting", "state", "value"), as_json=as_json)


@click.command("slots")
@as_json
@click.option("--rebuild", is_flag=True, help="Rebuild Redis from PostgreSQL first.")
@reason
@with_services
def slots(services: Services, as_json: bool, rebuild: bool, reason: str | None) -> None:
    """Compare the users' slots in PostgreSQL and in Redis."""
    if rebuild:
        rebuild_slots(services, operator(reason))
    rows = compare_slots(services)
    if not as_json:
        for row in rows:
            drift = "?" if row["drift"] is None else f"{row['drift']:+d}" if row["drift"] else "0"
            row.update(redis="away" if row["redis"] is None else row["redis"], drift=drift)
    print_rows(rows, ("holder", "postgresql", "redis", "drift"), as_json=as_json)
