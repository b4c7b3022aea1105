"""Refused and failed admissions: the events they leave, and the refusal after clashes."""

import logging
from dataclasses import asdict
from uuid import UUID

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.admission.requests import AdmissionRequest
from app.generation.callers import Caller
from app.generation.errors import (
    AdmissionFailed,
    AdmissionsPaused,
    GenerationActive,
    GenerationError,
    SlotsFull,
    SystemFull,
    UserFull,
)
from app.generation.events import Event, EventBuffer, EventType
from app.generation.slots.holders import count_slots

log = logging.getLogger(__name__)


def report_refusal(events: EventBuffer, request: AdmissionRequest, error: GenerationError) -> None:
    """Records the refusal or failure as an event if its kind is counted."""
    generation_id, caller, order = request.generation_id, request.caller, request.order

    def add(event_type: EventType, job_id: UUID | None = None, **metadata: object) -> None:
        facts = {**metadata, "tier": caller.tier.value, "source": order.source, "request_id": order.request_id}
        job = str(job_id) if job_id else None
        events.add(Event(event_type, caller.user_id, order.course_id, job, facts))

    match error:
        case SlotsFull():
            limit = "user" if isinstance(error, UserFull) else "system"
            add(EventType.CONCURRENCY_LIMIT_HIT, limit=limit, **asdict(error))
        case AdmissionsPaused():
            add(EventType.CONCURRENCY_LIMIT_HIT, limit="paused")
        case GenerationActive():
            active = {"active": error.source} if error.source else {}
            add(EventType.DUPLICATE_JOB_DETECTED, error.generation_id, **active)
        case AdmissionFailed():
            cause = f"{type(error.__cause__).__name__}: {error.__cause__}"
            if error.exhausted:
                add(EventType.RPC_RETRY_EXHAUSTED, generation_id, error=cause)
            add(EventType.JOB_ROLLBACK, generation_id, error=cause)
            log.error("admission_rolled_back", exc_info=error)


def refuse_after_clashes(db: Database, system_limit: int | None, caller: Caller) -> SlotsFull:
    """The refusal of a request whose slot numbers others took at each try. `system_limit` is the environment's."""
    counts, values = count_slots(db), {"tier": caller.tier.value, "limit": system_limit}
    with db.connection() as conn:
        limits = only_row(conn.execute(QUERIES["find_limits"], values))
    return SystemFull(caller.tier, limits["user"], counts[caller.user_id], limits["system"], counts[None])
