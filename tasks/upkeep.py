"""Upkeep: periodic tasks that repair and prune. Each is safe to run twice at once.

`stalled_s`: a worker without a heartbeat for so long is dead.
"""

import logging

from app.database.queries import QUERIES
from app.generation.capacity import aging, dynamic_limit
from app.generation.runs import take_over as takeover
from app.generation.stages import Stage
from app.generation.webhooks.outbox import rescue_deliveries
from app.services import Services

#: Rows deleted by one statement, so that none holds locks for long.
BATCH = 5_000
PRUNED = (
    "events",
    "refusals",
    "attempts",
    "idempotency_keys",
    "webhook_deliveries",
    "webhook_turns",
    "units",
    "generations",
    "workers",
    "processes",
)

log = logging.getLogger(__name__)


def take_over(services: Services, stalled_s: float) -> None:
    """Continues what dead workers left, and repairs what the queue lost track of."""
    timeouts_s = {stage: services.settings.limits_of(stage).total_s for stage in Stage}
    rules = services.settings.rules
    takeover.take_over(services.db, services.slots, rules, stalled_s=stalled_s, timeouts_s=timeouts_s)


def keep_slots(services: Services) -> None:
    """Rebuilds the slots in Redis from PostgreSQL."""
    services.slots.rebuild_all()


def rescue_webhooks(services: Services, stalled_s: float) -> None:
    """Queues a job for each webhook whose sender died. Does nothing without a secret, since nothing is sent then."""
    if services.settings.webhook_secret is not None:
        rescue_deliveries(services.db, stalled_s)


def move_limit(services: Services, stalled_s: float) -> None:
    """Moves the dynamic limit by a step, if there is reason to."""
    dynamic_limit.move_limit(services.db, *services.settings.limit_bounds, stalled_s)


def age(services: Services) -> None:
    """Moves generations up a tier that have waited for `PRIORITY_AGING_S`, or for an operator's span."""
    aging.age(services.db, services.settings.priority_aging_s)


def prune(services: Services) -> None:
    """Deletes the rows that are past their time, as `sql/queries/upkeep.sql` defines it."""
    for table in PRUNED:
        count, deleted = 0, BATCH
        while deleted == BATCH:
            with services.db.connection() as conn:
                deleted = conn.execute(QUERIES[f"prune_{table}"], {"batch": BATCH}).rowcount
            count += deleted
        if count:
            log.info("pruned", extra={"what": table, "count": count})
