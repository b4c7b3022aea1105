"""`coursegen webhooks …`: list, show, pending, resend."""

from uuid import UUID

import click

from app.cli.command_setup import as_json, limit, operator, reason, since, with_services
from app.cli.output import echo
from app.cli.tables import print_rows
from app.operations.actions import resend
from app.operations.listings import find_webhook, list_deliveries
from app.services import Services

DELIVERY = ("seq", "slug", "status", "step", "state", "failures", "response", "error")
LISTED = ("created_at", "generation_id", *DELIVERY)
PENDING = (*LISTED, "due_at")
ATTEMPTS = ("seq", "at", "ms", "status", "error", "excerpt")

command = click.Group("webhooks", help="List, show and resend deliveries to webhooks. Times are in UTC.")

course = click.option("--course", help="Only this course's: its slug or id.")
generation_id = click.argument("generation_id", type=click.UUID)


@command.command("list")
@course
@click.option("--failed", is_flag=True, help="Only those given up, gone, or without a successful attempt so far.")
@since
@limit
@as_json
@with_services
def list_latest(services: Services, course: str | None, failed: bool, since_s: int, limit: int, as_json: bool) -> None:
    """List the latest deliveries, each with its last attempt."""
    rows = list_deliveries(services.db, course=course, failed=failed, since_s=since_s, limit=limit)
    print_rows(rows, LISTED, as_json=as_json)


@command.command("pending")
@course
@since
@limit
@as_json
@with_services
def list_pending(services: Services, course: str | None, since_s: int, limit: int, as_json: bool) -> None:
    """List deliveries that wait, and when each is due if none comes before it."""
    rows = list_deliveries(services.db, course=course, pending=True, since_s=since_s, limit=limit)
    print_rows(rows, PENDING, as_json=as_json)


@command.command("show")
@generation_id
@as_json
@with_services
def show_webhook(services: Services, generation_id: UUID, as_json: bool) -> None:
    """Show one generation's webhook, with every delivery and every attempt."""
    webhook = find_webhook(services.db, generation_id)
    if as_json:
        print_rows([webhook], (), as_json=True)
        return
    echo(f"{webhook['url'] or 'This generation has no webhook.'}\n")
    print_rows(webhook["deliveries"], ("created_at", *DELIVERY, "due_at"), as_json=False)
    echo()
    print_rows(webhook["attempts"], ATTEMPTS, as_json=False)


@command.command("resend")
@generation_id
@click.option("--seq", type=click.IntRange(min=1), help="Only the delivery of this number, even if it was delivered.")
@reason
@with_services
def resend_deliveries(services: Services, generation_id: UUID, seq: int | None, reason: str | None) -> None:
    """Send again, in order, what was not delivered. Attempts go on for another day."""
    numbers = resend(services, generation_id, seq, operator(reason))
    echo(f"Will be sent again: {', '.join(map(str, numbers))}")
