"""The state of the whole, as the database has it, in figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.database.pool import Database
from app.database.queries import QUERIES
from app.generation.queue import STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE

QUEUES = [STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE]


@dataclass(frozen=True, slots=True)
class Figure:
    """One of them. `label`: of which status or queue, where there are several."""

    name: str
    label: str
    value: float


def read_figures(db: Database, stalled_s: float) -> Sequence[Figure]:
    """Every figure, in one read. A worker counts as dead after `stalled_s` without a sign of life."""
    with db.connection() as conn:
        rows = conn.execute(QUERIES["list_figures"], {"queues": QUEUES, "stalled": stalled_s}).fetchall()
    return [Figure(row["name"], row["label"], row["value"]) for row in rows]
