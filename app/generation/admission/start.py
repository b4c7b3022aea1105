"""The transaction of an admission: one statement for all requests of a batch."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.queries import QUERIES
from app.generation import errors
from app.generation.admission.requests import Admission, AdmissionRequest, Decision, Undecided
from app.generation.progress.steps import ADMITTED_MESSAGE, ADMITTED_STATUS, STEPS, StepStatus, change
from app.generation.slots.holders import Slots, SlotUse

log = logging.getLogger(__name__)

#: The outcomes of `admit_generations_v2` that carry no data.
_OTHERS: Mapping[str, type[errors.GenerationError | Undecided]] = {
    "undecided": Undecided,
    "not_found": errors.CourseNotFound,
    "forbidden": errors.Forbidden,
    "slot_taken": errors.SlotClash,
    "paused": errors.AdmissionsPaused,
    "not_failed": errors.NotFailed,
    "key_in_flight": errors.KeyInFlight,
    "key_reused": errors.KeyReused,
}
_COMPLETED_STEPS = {stage.value: change(step.id, StepStatus.COMPLETED, step.completed) for stage, step in STEPS.items()}


def start_generations(
    conn: Connection[Any],
    slots: Mapping[AdmissionRequest, Slots | None],
    system_limit: int | None,
    *,
    wait: bool,
    beside: bool = False,
) -> dict[AdmissionRequest, Decision]:
    """Decides each request under the lock of its course, and starts those admitted. One statement.

    `system_limit` is the environment's. PostgreSQL picks numbers where `slots` has none or one above a limit. `wait`:
    for locked courses; else they stay `Undecided`. `beside`: a course that the old stack is generating is refused.
    """
    if not slots:
        return {}
    described = [_describe(request, numbers, system_limit) | {"beside": beside} for request, numbers in slots.items()]
    values = {"requests": Jsonb(described, orjson.dumps), "wait": wait}
    rows = {row["id"]: row for row in conn.execute(QUERIES["admit_generations"], values)}
    return {r: _read_decision(rows[r.generation_id], r, numbers) for r, numbers in slots.items()}


def _describe(request: AdmissionRequest, slots: Slots | None, system_limit: int | None) -> dict[str, Any]:
    order, caller = request.order, request.caller
    return {
        "id": request.generation_id,
        "course_id": order.course_id,
        "user_id": caller.user_id,
        "tier": caller.tier.value,
        "user_slot": slots and slots.user_slot,
        "system_slot": slots and slots.system_slot,
        "system_limit": system_limit,
        "source": order.source,
        "webhook_url": order.webhook_url,
        "request_id": order.request_id,
        "traceparent": order.traceparent,
        "idempotency_key": order.idempotency_key,
        "fingerprint": order.fingerprint.hex() if order.idempotency_key is not None else None,
        "retry_of": order.retry_of,
        "message": ADMITTED_MESSAGE,
        "status": ADMITTED_STATUS,
        "actor": order.actor and order.actor.name,
        "reason": order.actor and order.actor.reason,
        "completed_steps": _COMPLETED_STEPS if order.retry_of is not None else None,
    }


def _read_decision(row: DictRow, request: AdmissionRequest, slots: Slots | None) -> Decision:
    user_limit, system_limit = row["user_limit"], row["system_limit"]
    match row["outcome"]:
        case "admitted":
            if row["files_malformed"]:
                # `generation_progress.files` counts as none because of its shape.
                log.warning("files_malformed", extra={"courseId": str(request.order.course_id)})
            use = slots.use if slots is not None else None
            if row["user_active"] is not None:  # the database picked the numbers just now
                use = SlotUse(user_limit, row["user_active"] + 1, system_limit, row["system_active"] + 1)
            return Admission(request.generation_id, use)
        case "replayed":
            return Admission(row["generation_id"], replayed=True)
        case "active":
            return errors.GenerationActive(row["generation_id"])
        case "old_stack":
            return errors.GenerationActive(source=errors.OLD_STACK)
        case "user_full" | "system_full" as full:
            refusal = errors.UserFull if full == "user_full" else errors.SystemFull
            return refusal(request.caller.tier, user_limit, row["user_active"], system_limit, row["system_active"])
        case other:
            return _OTHERS[other]()
