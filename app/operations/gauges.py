"""Gauges that are read from the database: how much is under way, and how long it has waited."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE

QUEUES = [STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value. `label` is the status or the queue it counts, else empty."""

    name: str
    label: str
    value: float


def read_gauges(db: Database, stalled_s: float) -> Sequence[Gauge]:
    """Every gauge, by one statement. A worker counts as dead after `stalled_s` without a heartbeat."""
    with db.connection() as conn:
        rows = conn.execute(QUERIES["list_gauges"], {"queues": QUEUES, "stalled": stalled_s}).fetchall()
    return [Gauge(row["name"], row["label"], row["value"]) for row in rows]
