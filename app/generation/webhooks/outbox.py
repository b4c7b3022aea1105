"""What a generation's webhook is told: the outbox, and who sends it.

A delivery is a row written in the transaction that made it true, so what was rolled back is never told, and a run that
did not pass the fence tells nothing. A job on the queue is only a call to look; whoever claims the first delivery that
waits sends it, and nobody else does while the claim lasts. So deliveries come in order, and one may come twice.

Whoever queues a job for a generation's webhook holds the generation's lock, since only one of them may wait.
"""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.audit import Actor, record_audit
from app.generation.errors import NothingToSend
from app.generation.queue import WEBHOOK_LOCK, WEBHOOKS_QUEUE
from app.generation.transient import retrying
from app.telemetry.log import bind

#: How long a claim lasts: longer than any sending, so that only the dead lose theirs.
HOLD_S = 30
#: Webhooks looked after by one round of upkeep, at most.
MOST_STRANDED = 1_000

log = logging.getLogger(__name__)


class DeliveryState(Enum):
    """Where a delivery stands. Compared with the database's `webhook_delivery_state` by a test."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery: the course as it was, and where to tell it.

    `failures`: tries before this one. `left_s`: seconds until it is given up. `held_until` is the claim's own mark.
    """

    generation_id: UUID
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a try went: the answer's status and how it began, or why there was none."""

    ms: int
    status: int | None = None
    error: str | None = None
    excerpt: str | None = None


def schedule_delivery(conn: Connection[Any], generation_id: UUID) -> bool:
    """A job sends the first pending delivery when it is due. The caller holds the generation's lock.

    False where none is needed: nothing is pending, a sender holds it and will schedule the next, or a job waits.
    """
    row = only_row(conn.execute(QUERIES["schedule_delivery"], {"generation_id": generation_id}))
    return bool(row["scheduled"])


def claim(db: Database, generation_id: UUID) -> Delivery | None:
    """The first delivery that waits, for `HOLD_S` nobody else's. None: nothing is due, or somebody else has it.

    Where it is only not due yet, a job will come for it.
    """
    values = {"generation_id": generation_id, "hold": HOLD_S}
    with db.connection() as conn:
        row = conn.execute(QUERIES["claim_webhook_delivery"], values).fetchone()
    if row is not None:
        return Delivery(**{**row, "left_s": float(row["left_s"])})
    with db.transaction() as conn:
        _lock(conn, generation_id)
        schedule_delivery(conn, generation_id)
    return None


def finish(db: Database, delivery: Delivery, state: DeliveryState, attempt: Attempt | None = None) -> bool:
    """The delivery is over and the next one called for; after GONE nothing of the generation is sent any more.

    False: the claim was lost to somebody else, and nothing was written.
    """
    values = {"state": state.value, "failed": int(state is not DeliveryState.DELIVERED and attempt is not None)}
    return _settle(db, delivery, "finish_webhook_delivery", values, attempt, close=state is DeliveryState.GONE)


def put_off(db: Database, delivery: Delivery, seconds: float, attempt: Attempt | None = None) -> bool:
    """The delivery is due again in so many seconds; with an attempt, that one failed. False: the claim was lost."""
    values = {"seconds": seconds, "failed": int(attempt is not None)}
    return _settle(db, delivery, "put_off_webhook_delivery", values, attempt)


def resend(db: Database, generation_id: UUID, seq: int | None, actor: Actor) -> list[int]:
    """The delivery of that number, or all that were not delivered, are sent now, as new; returns their numbers.

    Raises `NothingToSend`.
    """
    with db.transaction() as conn:
        _lock(conn, generation_id)
        values = {"generation_id": generation_id, "seq": seq}
        rows = conn.execute(QUERIES["renew_webhook_deliveries"], values).fetchall()
        if not rows:
            raise NothingToSend
        conn.execute(QUERIES["cancel_webhook_job"], values)  # it may be hours away
        schedule_delivery(conn, generation_id)
        record_audit(conn, actor, "resend", generation_id=generation_id, seq=seq)
    return sorted(row["seq"] for row in rows)


def rescue(db: Database, stalled_s: float) -> int:
    """Every webhook whose sender died is called for again; returns how many. Safe to run twice at once."""
    with db.connection() as conn:
        conn.execute(QUERIES["delete_dead_jobs"], {"queue": WEBHOOKS_QUEUE, "stalled_s": stalled_s})
        values = {"prefix": WEBHOOK_LOCK, "limit": MOST_STRANDED}
        stranded = conn.execute(QUERIES["list_stranded_webhooks"], values).fetchall()
    rescued = 0
    for row in stranded:
        with bind(jobId=row["generation_id"]):
            try:
                with db.transaction() as conn:
                    _lock(conn, row["generation_id"])
                    called = schedule_delivery(conn, row["generation_id"])
            except psycopg.Error:
                log.exception("webhook_rescue_failed")  # the others are not to wait for it
                continue
            if called:
                rescued += 1
                log.warning("webhook_rescued")
    return rescued


def _settle(
    db: Database, delivery: Delivery, query: str, values: dict[str, Any], attempt: Attempt | None, close: bool = False
) -> bool:
    key = {"generation_id": delivery.generation_id, "seq": delivery.seq}
    for again in retrying():
        with again, db.transaction() as conn:
            _lock(conn, delivery.generation_id)
            ours = conn.execute(QUERIES[query], {**key, "held_until": delivery.held_until, **values}).fetchone()
            if ours is None:
                return False
            if attempt is not None:
                conn.execute(QUERIES["insert_webhook_attempt"], {**key, **asdict(attempt)})
            if close:
                conn.execute(QUERIES["close_webhook"], key)
            schedule_delivery(conn, delivery.generation_id)
    return True


def _lock(conn: Connection[Any], generation_id: UUID) -> None:
    conn.execute(QUERIES["lock_webhook"], {"generation_id": generation_id})
