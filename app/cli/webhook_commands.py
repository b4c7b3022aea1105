"""`coursegen webhooks …`: what webhooks were told, list, show, pending, resend."""

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
    "answer": "answer",
    "error": "error",
}
PENDING = {**LISTED, "due_at": "due (UTC)"}
ATTEMPTS = {
    "seq": "seq",
    "at": "time (UTC)",
    "ms": "ms",
    "status": "answer",
    "error": "error",
    "excerpt": "answer's text",
}
#: Longer than any delivery is kept.
EVER_S = 10 * 365 * 86400

command = AppGroup("webhooks", help="List, show and resend what webhooks were told.")

course = click.option("--course", help="Only this course's: its slug or id.")


@command.command("list")
@course
@click.option("--failed", is_flag=True, help="Only those given up, gone, or tried in vain so far.")
@since
@limit
@as_json
def list_deliveries(course: str | None, failed: bool, seconds: int, limit: int, as_json: bool) -> None:
    """The latest deliveries, each with its last try."""
    show(_read(course=course, failed=failed, seconds=seconds, limit=limit), LISTED, json_wanted=as_json)


@command.command("pending")
@course
@since
@limit
@as_json
def list_pending(course: str | None, seconds: int, limit: int, as_json: bool) -> None:
    """Deliveries that wait, and when each is due if nothing is before it."""
    show(_read(course=course, pending=True, seconds=seconds, limit=limit), PENDING, json_wanted=as_json)


@command.command("show")
@click.argument("generation_id", type=click.UUID)
@as_json
def show_webhook(generation_id: UUID, as_json: bool) -> None:
    """One generation's webhook: every delivery and every try."""
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
    """Send again, in order, what was not delivered; with a day of tries, as if new."""
    with operating() as services:
        numbers = resend(services, generation_id, seq, operator(reason))
    click.echo(f"To be sent again: {', '.join(map(str, numbers))}")


def _read(**wanted: Any) -> list[dict[str, Any]]:
    values = {
        "course": None,
        "generation_id": None,
        "failed": False,
        "pending": False,
        "seconds": EVER_S,
        "limit": 1000,
    }
    with operating() as services, services.db.connection() as conn:
        return conn.execute(QUERIES["list_webhook_deliveries"], {**values, **wanted}).fetchall()
