"""Upkeep: what puts right whatever was lost or left over. Every piece of it is safe to run twice at once."""

import logging

from app.database.pool import only_row
from app.database.queries import QUERIES
from app.generation.runs import take_over as takeover
from app.generation.webhooks import outbox
from app.services import Services

#: How long events are kept, and attempts of generations that are final.
KEPT_DAYS = 90
BATCH = 5_000

log = logging.getLogger(__name__)


def take_over(services: Services) -> None:
    """What dead workers left goes on, and what the queue lost track of is put right."""
    settings = services.settings
    takeover.take_over(services.db, services.slots, stalled_s=settings.stalled_s, timeout_s=settings.stage_timeout_s)


def keep_slots(services: Services) -> None:
    """Rebuilds the slots in Redis from PostgreSQL."""
    services.slots.rebuild_all()


def rescue_webhooks(services: Services) -> None:
    """What waits for a webhook is sent, though whoever was to send it died. Without a secret nothing is sent."""
    if services.settings.webhook_secret is not None:
        outbox.rescue_deliveries(services.db, services.settings.stalled_s)


def prune(services: Services) -> None:
    """What is past its time is gone, and workers that have been dead for a day."""
    queries = ("prune_events", "prune_attempts", "prune_idempotency_keys", "prune_webhook_deliveries", "prune_workers")
    for query in queries:
        deleted = _prune(services, query)
        if deleted:
            log.info("pruned", extra={"what": query.removeprefix("prune_"), "count": deleted})


def _prune(services: Services, query: str) -> int:
    """How many rows were deleted, a batch a transaction, so that none holds locks for long."""
    total = 0
    while True:
        with services.db.connection() as conn:
            row = only_row(conn.execute(QUERIES[query], {"days": KEPT_DAYS, "batch": BATCH}))
        deleted = int(row["deleted"])
        total += deleted
        if deleted < BATCH:
            return total
