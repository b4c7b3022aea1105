"""`coursegen webhooks …`: list, show, pending, resend."""

from uuid import UUID

import click

from app.cli.command_setup import as_json, generation_id, listing, operator, reason, with_services
from app.cli.output import echo
from app.cli.tables import print_rows
from app.operations.actions import resend_webhook
from app.operations.listings import find_webhook, read_rows
from app.services import Services

DELIVERY = ("seq", "state", "failures", "response", "status", "step")
LISTED = ("created_at", "generation_id", *DELIVERY, "slug", "receiver", "error")
PENDING = ("due_at", "generation_id", *DELIVERY, "created_at", "slug", "receiver", "error")
ATTEMPTS = ("seq", "at", "ms", "status", "error", "excerpt")

command = click.Group("webhooks", help="List, show and resend deliveries to webhooks. Times are in UTC.")

course = click.option("--course", help="Only this course's: its slug or id.")


@command.command("list")
@course
@click.option("--failed", is_flag=True, help="Only those given up, gone, or without a successful attempt so far.")
@listing
def list_latest(services: Services, as_json: bool, **filters: object) -> None:
    """List the latest deliveries, each with its last attempt."""
    rows = read_rows(services.db, "list_webhook_deliveries", generation_id=None, pending=False, **filters)
    print_rows(rows, LISTED, as_json=as_json)


@command.command("pending")
@course
@listing
def list_pending(services: Services, as_json: bool, **filters: object) -> None:
    """List the deliveries that wait, and when each is due."""
    rows = read_rows(services.db, "list_webhook_deliveries", generation_id=None, failed=False, pending=True, **filters)
    print_rows(rows, PENDING, as_json=as_json)


@command.command("show")
@generation_id
@as_json
@with_services
def show_webhook(services: Services, generation_id: UUID, as_json: bool) -> None:
    """Show one generation's webhook with its deliveries."""
    webhook = find_webhook(services.db, generation_id)
    if as_json:
        print_rows([webhook], (), as_json=True)
        return
    echo(f"{webhook['url'] or 'This generation has no webhook.'}\n")
    print_rows(webhook["deliveries"], ("created_at", *DELIVERY, "due_at", "error"), as_json=False)
    echo()
    print_rows(webhook["attempts"], ATTEMPTS, as_json=False)


@command.command("resend")
@generation_id
@click.option("--seq", type=click.IntRange(min=1), help="Only the delivery of this number, even if it was delivered.")
@reason
@with_services
def resend_deliveries(services: Services, generation_id: UUID, seq: int | None, reason: str | None) -> None:
    """Send again, in order, what was not delivered. Attempts go on for another day."""
    numbers = resend_webhook(services, generation_id, seq, operator(reason))
    echo(f"Will be sent again: {', '.join(map(str, numbers))}")
