"""`coursegen webhooks …`: lists, shows and resends webhook deliveries."""

from typing import Any
from uuid import UUID

import click
from flask.cli import AppGroup

from app.cli.operating import as_json, limit, operating, operator, reason, show, since
from app.database.queries import QUERIES
from app.operations.actions import resend

LISTED = {
    "created_at": "time (UTC)",
    "generation_id": "generation",
    "seq": "seq",
    "slug": "course",
    "status": "status",
    "step": "step",
    "state": "delivery",
    "failures": "failures",
    "response": "response",
    "error": "error",
}
PENDING = {**LISTED, "due_at": "due (UTC)"}
ATTEMPTS = {
    "seq": "seq",
    "at": "time (UTC)",
    "ms": "ms",
    "status": "response",
    "error": "error",
    "excerpt": "response's body",
}
#: Longer than any delivery is kept.
FOREVER_S = 10 * 365 * 86400

command = AppGroup("webhooks", help="List, show and resend webhook deliveries.")

course = click.option("--course", help="Only this course's: its slug or id.")


@command.command("list")
@course
@click.option("--failed", is_flag=True, help="Only those given up, gone, or failed so far.")
@since
@limit
@as_json
def list_deliveries(course: str | None, failed: bool, seconds: int, limit: int, as_json: bool) -> None:
    """The latest deliveries, each with its last attempt."""
    show(_read(course=course, failed=failed, seconds=seconds, limit=limit), LISTED, json_wanted=as_json)


@command.command("pending")
@course
@since
@limit
@as_json
def list_pending(course: str | None, seconds: int, limit: int, as_json: bool) -> None:
    """Pending deliveries; each is due at the given time or, if later, after the ones before it."""
    show(_read(course=course, pending=True, seconds=seconds, limit=limit), PENDING, json_wanted=as_json)


@command.command("show")
@click.argument("generation_id", type=click.UUID)
@as_json
def show_webhook(generation_id: UUID, as_json: bool) -> None:
    """One generation's webhook: every delivery and every attempt."""
    key = {"generation_id": generation_id}
    with operating() as services, services.db.connection() as conn:
        generation = conn.execute(QUERIES["find_generation"], key).fetchone()
        attempts = conn.execute(QUERIES["list_webhook_attempts"], key).fetchall()
    if generation is None:
        raise click.ClickException(f"There is no generation {generation_id}")
    deliveries = _read(generation_id=generation_id)[::-1]
    if as_json:
        whole = {"generation_id": generation_id, "url": generation["webhook_url"], "deliveries": deliveries}
        show([{**whole, "attempts": attempts}], {}, json_wanted=True)
        return
    click.echo(f"{generation['webhook_url'] or 'This generation has no webhook.'}\n")
    show(deliveries, {key: name for key, name in PENDING.items() if key != "generation_id"}, json_wanted=False)
    click.echo()
    show(attempts, ATTEMPTS, json_wanted=False)


@command.command("resend")
@click.argument("generation_id", type=click.UUID)
@click.option("--seq", type=click.IntRange(min=1), help="Only the delivery of this number, even if it was delivered.")
@reason
def resend_deliveries(generation_id: UUID, seq: int | None, reason: str | None) -> None:
    """Resend, in order, what was not delivered, for another day of attempts."""
    with operating() as services:
        numbers = resend(services, generation_id, seq, operator(reason))
    click.echo(f"To be sent again: {', '.join(map(str, numbers))}")


def _read(**filters: Any) -> list[dict[str, Any]]:
    values = {
        "course": None,
        "generation_id": None,
        "failed": False,
        "pending": False,
        "seconds": FOREVER_S,
        "limit": 1000,
    }
    with operating() as services, services.db.connection() as conn:
        return conn.execute(QUERIES["list_webhook_deliveries"], {**values, **filters}).fetchall()
