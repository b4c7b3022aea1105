"""`coursegen generations cancel` and `retry`."""

from uuid import UUID

import click

from app.cli.command_setup import generation_id, operator, reason, with_services
from app.cli.output import echo
from app.generation.runs.cancel import MESSAGE
from app.operations import actions
from app.services import Services


@click.command("cancel")
@click.argument("generation_id", type=click.UUID, required=False)
@click.option("--all", "every", is_flag=True, help="Cancel every active generation.")
@click.option("--message", default=MESSAGE, show_default=True, help="With --all: what each course shows.")
@reason
@with_services
def cancel(services: Services, generation_id: UUID | None, every: bool, message: str, reason: str | None) -> None:
    """Cancel a generation, queued or running, or all."""
    if every is (generation_id is not None):
        raise click.UsageError("Name a generation, or --all")
    if generation_id is not None:
        actions.cancel(services, generation_id, operator(reason))
        echo(f"Cancelled {generation_id}")
        return
    cancelled = actions.cancel_all(services, operator(reason), message)
    echo(f"Cancelled: {len(cancelled)}")


@click.command("retry")
@generation_id
@reason
@with_services
def retry(services: Services, generation_id: UUID, reason: str | None) -> None:
    """Admit a failed generation again, with a new id and the same limits, from the stage at which it failed."""
    echo(f"Admitted {actions.retry(services, generation_id, operator(reason))}")
