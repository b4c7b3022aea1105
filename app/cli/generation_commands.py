"""`coursegen generations …`: list, show, log, cancel, retry."""

from uuid import UUID

import click

from app.cli.command_setup import as_json, generation_id, listing, operator, reason, with_services
from app.cli.output import echo
from app.cli.tables import print_rows
from app.generation.runs.cancel import MESSAGE
from app.operations import actions
from app.operations.listings import find_generation, read_rows
from app.services import Services

STATUSES = ["waiting", "queued", "running", "awaiting_approval", "completed", "failed", "cancelled"]
LISTED = ("id", "status", "stage", "tier", "slug", "created_at", "finished_at", "error_message")
ATTEMPTS = ("stage", "fence", "started_at", "finished_at", "outcome", "worker", "error")

command = click.Group(
    "generations", help="List, show, cancel and retry generations, and read their logs. Times are in UTC."
)


@command.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of this status.")
@listing
def list_generations(services: Services, as_json: bool, **filters: object) -> None:
    """List the latest generations."""
    print_rows(read_rows(services.db, "list_generations", **filters), LISTED, as_json=as_json)


@command.command("show")
@generation_id
@as_json
@with_services
def show_generation(services: Services, generation_id: UUID, as_json: bool) -> None:
    """Show one generation and every start of its stages."""
    generation = find_generation(services.db, generation_id)
    if as_json:
        print_rows([generation], (), as_json=True)
        return
    attempts = generation.pop("attempts")
    print_rows([{"field": name, "value": generation[name]} for name in generation], ("field", "value"), as_json=False)
    echo()
    print_rows(attempts, ATTEMPTS, as_json=False)


@command.command("log")
@generation_id
@with_services
def show_log(services: Services, generation_id: UUID) -> None:
    """Show the last lines that the handlers of a generation printed and logged, start by start."""
    find_generation(services.db, generation_id)
    for start in read_rows(services.db, "list_attempt_logs", generation_id=generation_id):
        echo(f"{start['stage']} {start['started_at']:%Y-%m-%d %H:%M:%S} {start['outcome'] or 'running'}")
        for line in start["lines"].splitlines():
            echo(f"  {line}")


@command.command("cancel")
@click.argument("generation_id", type=click.UUID, required=False)
@click.option("--all", "every", is_flag=True, help="Cancel every active generation.")
@click.option("--message", default=MESSAGE, show_default=True, help="With --all: what each course shows.")
@reason
@with_services
def cancel_generation(
    services: Services, generation_id: UUID | None, every: bool, message: str, reason: str | None
) -> None:
    """Cancel a generation, queued or running, or all."""
    if every is (generation_id is not None):
        raise click.UsageError("Name a generation, or --all")
    if generation_id is not None:
        actions.cancel(services, generation_id, operator(reason))
        echo(f"Cancelled {generation_id}")
        return
    cancelled = actions.cancel_all(services, operator(reason), message)
    echo(f"Cancelled: {len(cancelled)}")


@command.command("retry")
@generation_id
@reason
@with_services
def retry_generation(services: Services, generation_id: UUID, reason: str | None) -> None:
    """Admit a failed generation again, with a new id and the same limits, from the stage at which it failed."""
    echo(f"Admitted {actions.retry(services, generation_id, operator(reason))}")
