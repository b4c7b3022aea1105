"""What operators do: each change is one function here, which every tool calls, and a row of the audit."""

from uuid import UUID

from app.database.queries import QUERIES
from app.generation.admission.requests import Order
from app.generation.audit import Actor, record_audit
from app.generation.callers import Caller
from app.generation.errors import NotFailed, NothingActive
from app.generation.runs.cancel import cancel_generation
from app.generation.tiers import Tier
from app.generation.webhooks import outbox
from app.services import Services


def cancel(services: Services, generation_id: UUID, actor: Actor) -> None:
    """The active generation is cancelled. Raises `NothingActive` for any other."""
    with services.db.connection() as conn:
        row = conn.execute(QUERIES["find_generation"], {"generation_id": generation_id}).fetchone()
    if row is None or row["finished_at"] is not None:
        raise NothingActive
    cancel_generation(services.db, services.slots, row["course_id"], actor, audited=True)


def retry(services: Services, generation_id: UUID, actor: Actor) -> UUID:
    """A failed generation is admitted anew, from the stage at which it failed; returns the new id.

    The same limits hold. Raises `NotFailed` and what `Admissions.admit` raises.
    """
    with services.db.connection() as conn:
        failed = conn.execute(QUERIES["find_failed"], {"generation_id": generation_id}).fetchone()
    if failed is None:
        raise NotFailed
    caller = Caller(failed["user_id"], Tier(failed["tier"]))
    order = Order(failed["course_id"], failed["webhook_url"], source="cli", retry_of=generation_id, actor=actor)
    return services.admissions.admit(caller, order).generation_id


def resend(services: Services, generation_id: UUID, seq: int | None, actor: Actor) -> list[int]:
    """The delivery of that number, or all that were not delivered, are sent again; returns their numbers.

    Raises `NothingToSend`.
    """
    return outbox.resend_deliveries(services.db, generation_id, seq, actor)


def rebuild_slots(services: Services, actor: Actor) -> None:
    """Redis agrees with PostgreSQL about who holds slots."""
    with services.db.transaction() as conn:
        record_audit(conn, actor, "rebuild_slots")
    services.slots.rebuild_all()
