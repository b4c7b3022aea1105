"""The outbox: each webhook message is a row of `webhook_deliveries`.

The row is written in the transaction of the change that it reports, so a rolled-back change sends nothing. A job on the
queue only wakes a sender, which claims the delivery that is next by fairness. No other sender gets that one while the
claim lasts. Deliveries of a generation arrive in order; one may arrive twice. Each verb runs one versioned SQL function
of `sql/functions/webhooks`, as a statement of its own.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.audit import Actor
from app.generation.errors import NothingToSend
from app.generation.queue import WEBHOOK_LOCK, WEBHOOKS_QUEUE
from app.generation.transaction_retries import RETRYING
from app.telemetry.log import bind

#: How long a claim lasts: longer than any attempt, so that only a dead sender loses it.
HOLD_S = 30
#: Webhooks that one round of upkeep rescues, at most.
MOST_STRANDED = 1_000

log = logging.getLogger(__name__)


class DeliveryState(Enum):
    """The state of a delivery. A test compares it with the database's `webhook_delivery_state`."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery: its message and its receiver's URL.

    `message_id`: the same for every attempt, and never used again. `failures`: failed attempts so far. `left_s`:
    seconds until it is given up. `held_until` identifies the claim. `documents`: those that were not read.
    """

    generation_id: UUID
    message_id: str
    seq: int
    course_id: UUID
    url: str
    status: str
    step: int
    percentage: int
    message: str
    error: str | None
    failures: int
    left_s: float
    held_until: datetime
    documents: dict[str, Any] | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a delivery: the response's status and beginning, or why there was no response."""

    ms: int
    status: int | None = None
    error: str | None = None
    excerpt: str | None = None


def claim_delivery(db: Database, generation_id: UUID, share: int) -> Delivery | None:
    """Claims the delivery that is next by fairness for `HOLD_S`. None if no other may be sent now.

    `generation_id`: whose job this is. `share`: the most senders of one user, and of one host, over all workers.
    """
    row = _run_verb(db, "claim_delivery", generation_id=generation_id, hold_s=HOLD_S, share=share)
    return None if row.pop("outcome") == "none" else Delivery(**row)


def finish_delivery(
    db: Database,
    delivery: Delivery,
    state: DeliveryState,
    attempt: Attempt | None = None,
    *,
    wait_s: float | None = None,
) -> DeliveryState | None:
    """Ends the claim: the delivery has its final state, or is pending and due again in `wait_s`. Returns its state.

    A pending one that its receiver can't take is given up. After GONE nothing more is sent for the generation. None if
    the claim was lost: nothing was written.
    """
    row = _run_verb(
        db,
        "finish_delivery",
        generation_id=delivery.generation_id,
        seq=delivery.seq,
        held_until=delivery.held_until,
        state=state.value,
        wait_s=wait_s,
        attempt=None if attempt is None else Jsonb(asdict(attempt)),
    )
    return None if row["outcome"] == "claim_lost" else DeliveryState(row["outcome"])


def resend_deliveries(db: Database, generation_id: UUID, seq: int | None, actor: Actor) -> list[int]:
    """Makes that delivery, or all that were not delivered, due now, as if new; returns their numbers.

    Audited. Raises `NothingToSend`.
    """
    row = _run_verb(
        db, "resend_deliveries", generation_id=generation_id, seq=seq, actor=actor.name, reason=actor.reason
    )
    if row["outcome"] == "nothing_to_send":
        raise NothingToSend
    return list(row["seqs"])


def rescue_deliveries(db: Database, stalled_s: float) -> int:
    """Queues a job for every webhook whose sender died; returns how many. Safe to run twice at once."""
    with db.connection() as conn:
        conn.execute(QUERIES["delete_dead_jobs"], {"queue": WEBHOOKS_QUEUE, "stalled_s": stalled_s})
        values = {"prefix": WEBHOOK_LOCK, "limit": MOST_STRANDED}
        stranded = conn.execute(QUERIES["list_stranded_webhooks"], values).fetchall()
    return sum(_rescue(db, row["generation_id"]) for row in stranded)


def _rescue(db: Database, generation_id: UUID) -> bool:
    with bind(jobId=generation_id):
        try:
            row = _run_verb(db, "rescue_delivery", generation_id=generation_id)
        except psycopg.Error:
            log.exception("webhook_rescue_failed")  # the others are rescued all the same
            return False
        if row["outcome"] == "rescued":
            log.warning("webhook_rescued")
        return bool(row["outcome"] == "rescued")


def _run_verb(db: Database, verb: str, **values: Any) -> DictRow:
    """The row of the verb's SQL function, which is repeated after transient errors."""
    for attempt in RETRYING:
        with attempt, db.statement() as conn:
            row = only_row(conn.execute(QUERIES[verb], values))
    return row
