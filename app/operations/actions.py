"""What operators do. Each change is one function, which every tool calls, and a row of `coursegen.audit`."""

from contextlib import suppress
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from app.database.migrations import migrate
from app.database.pool import only_row
from app.database.queries import QUERIES
from app.database.rollback import roll_back_to
from app.generation.admission.requests import Order
from app.generation.admission.user_tier import with_platform_tier
from app.generation.audit import Actor, record_audit
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, NotFailed, NothingActive, NotWaiting
from app.generation.runs.cancel import cancel_generation
from app.generation.tiers import Tier
from app.generation.transaction_retries import RETRYING
from app.generation.webhooks.outbox import resend_deliveries
from app.operations.listings import NotFound, find_generation
from app.services import Services
from app.settings import Settings

#: What a generation's priority may be set to, larger first. Those of the tiers are 1 to 10.
PRIORITIES = range(101)


def start(services: Services, course: DictRow, tier: Tier | None, actor: Actor) -> UUID:
    """Admits the course's generation for its owner, with the limits of that tier; returns its id.

    Without a tier, it is the platform's where tiers come from its database, else FREE.
    Raises what `Admissions.admit` raises.
    """
    order = Order(course["id"], source="cli", actor=actor)
    caller = Caller(course["user_id"], tier or Tier.FREE)
    if tier is None and services.settings.tier_source == "database":
        caller = with_platform_tier(services.db, caller, services.tiers)
    return services.admissions.admit(caller, order).generation_id


def cancel(services: Services, generation_id: UUID, actor: Actor) -> None:
    """Cancels the generation, queued or running. Raises `NotFound`, and `NothingActive` if it is final."""
    generation = find_generation(services.db, generation_id)
    if generation["finished_at"] is not None:
        raise NothingActive
    cancel_generation(services.db, services.slots, generation["course_id"], actor, audited=True, only=generation_id)


def cancel_all(services: Services, actor: Actor, message: str) -> list[UUID]:
    """Cancels every active generation; returns their ids. Their courses show the message."""
    with services.db.connection() as conn:
        active = conn.execute(QUERIES["list_active_generations"]).fetchall()
    cancelled = []
    for generation in active:
        with suppress(NothingActive, CourseNotFound):  # it has ended since
            cancelled.append(
                cancel_generation(
                    services.db,
                    services.slots,
                    generation["course_id"],
                    actor,
                    audited=True,
                    only=generation["id"],
                    message=message,
                )
            )
    return cancelled


def retry(services: Services, generation_id: UUID, actor: Actor, source: str = "cli") -> UUID:
    """Admits a failed generation again, from the stage at which it failed; returns the new id.

    The same limits hold. Raises `NotFound`, `NotFailed` and what `Admissions.admit` raises.
    """
    failed = find_generation(services.db, generation_id)
    if failed["status"] != "failed":
        raise NotFailed
    caller = Caller(failed["user_id"], Tier(failed["tier"]))
    order = Order(failed["course_id"], failed["webhook_url"], source=source, retry_of=generation_id, actor=actor)
    return services.admissions.admit(caller, order).generation_id


def resend_webhook(services: Services, generation_id: UUID, seq: int | None, actor: Actor) -> list[int]:
    """Makes that delivery, or all that were not delivered, due now; returns their numbers. Raises `NothingToSend`."""
    return resend_deliveries(services.db, generation_id, seq, actor)


def set_priority(services: Services, generation_id: UUID, priority: int, actor: Actor) -> int:
    """Sets the priority of a generation that waits for a worker, and of its job; returns the one before.

    Raises ValueError outside `PRIORITIES`, `NotFound`, and `NotWaiting` if a worker has it or it is final.
    """
    if priority not in PRIORITIES:
        raise ValueError(f"A priority is a number from {PRIORITIES[0]} to {PRIORITIES[-1]}")
    values = {"generation_id": generation_id, "priority": priority, "actor": actor.name, "reason": actor.reason}
    for attempt in RETRYING:
        with attempt, services.db.statement() as conn:
            row = only_row(conn.execute(QUERIES["set_priority"], values))
    if row["outcome"] == "not_found":
        raise NotFound(f"There is no generation {generation_id}")
    if row["outcome"] == "not_waiting":
        raise NotWaiting
    return int(row["was"])


def rebuild_slots(services: Services, actor: Actor) -> None:
    """Rebuilds the slots in Redis from PostgreSQL. Slots of admissions that died moments ago are removed too."""
    with services.db.transaction() as conn:
        record_audit(conn, actor, "rebuild_slots")
    services.slots.rebuild_all(under_way_s=0)


def migrate_database(settings: Settings, actor: Actor, *, upgrade_queue: bool) -> None:
    """Brings the database up to date. Raises as `migrate`."""
    applied = migrate(settings.database_url, app_role=settings.app_role, upgrade_queue=upgrade_queue)
    if applied:
        with psycopg.connect(settings.database_url) as conn:
            record_audit(conn, actor, "migrate", role=conn.info.user, applied=applied)


def roll_back_database(settings: Settings, actor: Actor, version: str) -> list[str]:
    """Undoes the migrations after that version; returns their names. Raises as `roll_back_to`."""
    undone = roll_back_to(settings.database_url, version)
    if undone:
        with psycopg.connect(settings.database_url) as conn:
            record_audit(conn, actor, "rollback", role=conn.info.user, undone=undone)
    return undone
