"""Idempotency keys: a request sent again with its key starts nothing again and gets the same answer.

A key is its user's, and means one request for a day. While that is under way the key is claimed: an advisory lock that
ends with the transaction, however that ends, is all there is of it. Only what was started is kept, in the transaction
that starts it; after any refusal the key is as good as new.
"""

import hashlib
import json
from typing import Any
from uuid import UUID

from psycopg import Connection

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.admission.orders import Order
from app.generation.errors import KeyInFlight, KeyReused


def claim_key(conn: Connection[Any], user_id: UUID, order: Order) -> UUID | None:
    """The order's key is the caller's transaction's until it ends; returns the generation it started before, if any.

    Raises `KeyInFlight` while another transaction has it, `KeyReused` where it came with another order.
    """
    values = {"user_id": user_id, "key": order.idempotency_key}
    claim = conn.execute(QUERIES["claim_key"], values)
    # A statement of its own: its snapshot is taken under the lock. In a pipeline both are one round trip.
    earlier = conn.execute(QUERIES["find_key"], values)
    if not only_row(claim)["claimed"]:
        raise KeyInFlight
    row = earlier.fetchone()
    if row is None:
        return None
    if bytes(row["fingerprint"]) != fingerprint(order):
        raise KeyReused
    started: UUID = row["generation_id"]
    return started


def keep_key(conn: Connection[Any], user_id: UUID, order: Order, generation_id: UUID) -> None:
    """Once the caller's transaction commits, the order's key, which it has claimed, means this generation for a day."""
    conn.execute(
        QUERIES["keep_key"],
        {
            "user_id": user_id,
            "key": order.idempotency_key,
            "fingerprint": fingerprint(order),
            "generation_id": generation_id,
        },
    )


def fingerprint(order: Order) -> bytes:
    """The same 32 bytes for the same wish, however its request was written and whichever way it came in."""
    wish = [str(order.course_id), order.webhook_url]
    return hashlib.sha256(json.dumps(wish).encode()).digest()
