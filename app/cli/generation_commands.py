"""`coursegen generations …`: list, show, cancel, retry."""

from uuid import UUID

import click
from flask.cli import AppGroup

from app.cli.operating import as_json, limit, operating, operator, reason, show, since
from app.database.queries import QUERIES
from app.generation.errors import NothingActive
from app.operations import actions

STATUSES = ["queued", "running", "completed", "failed", "cancelled"]
LISTED = {
    "id": "id",
    "status": "status",
    "stage": "stage",
    "tier": "tier",
    "slug": "course",
    "created_at": "created (UTC)",
    "finished_at": "finished (UTC)",
    "error_message": "error",
}
ATTEMPTS = {
    "stage": "stage",
    "fence": "fence",
    "started_at": "started (UTC)",
    "finished_at": "finished (UTC)",
    "outcome": "outcome",
    "worker": "worker",
    "error": "error",
}

command = AppGroup("generations", help="List, show, cancel and retry generations.")


@command.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of this status.")
@since
@limit
@as_json
def list_generations(status: str | None, seconds: int, limit: int, as_json: bool) -> None:
    """The latest generations."""
    values = {"status": status, "seconds": seconds, "limit": limit}
    with operating() as services, services.db.connection() as conn:
        rows = conn.execute(QUERIES["list_generations"], values).fetchall()
    show(rows, LISTED, json_wanted=as_json)


@command.command("show")
@click.argument("generation_id", type=click.UUID)
@as_json
def show_generation(generation_id: UUID, as_json: bool) -> None:
    """One generation and every start of its stages."""
    key = {"generation_id": generation_id}
    with operating() as services, services.db.connection() as conn:
        generation = conn.execute(QUERIES["find_generation"], key).fetchone()
        attempts = conn.execute(QUERIES["list_attempts"], key).fetchall()
    if generation is None:
        raise click.ClickException(f"There is no generation {generation_id}")
    if as_json:
        show([{**generation, "attempts": attempts}], {}, json_wanted=True)
        return
    show(
        [{"key": name, "value": value} for name, value in generation.items()],
        {"key": "", "value": ""},
        json_wanted=False,
    )
    click.echo()
    show(attempts, ATTEMPTS, json_wanted=False)


@command.command("cancel")
@click.argument("generation_id", type=click.UUID)
@reason
def cancel_generation(generation_id: UUID, reason: str | None) -> None:
    """Cancel it, queued or running."""
    with operating() as services:
        try:
            actions.cancel(services, generation_id, operator(reason))
        except NothingActive as error:
            raise click.ClickException(f"There is no active generation {generation_id}") from error
    click.echo(f"Cancelled {generation_id}")


@command.command("retry")
@click.argument("generation_id", type=click.UUID)
@reason
def retry_generation(generation_id: UUID, reason: str | None) -> None:
    """Admit a failed one anew: a new id, the same limits, from the stage at which it failed."""
    with operating() as services:
        new_id = actions.retry(services, generation_id, operator(reason))
    click.echo(f"Admitted {new_id}")
