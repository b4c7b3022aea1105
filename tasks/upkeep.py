"""Upkeep: what puts right whatever was lost or left over. Every piece of it is safe to run twice at once."""

import logging

from app.generation import takeover
from app.services import Services

log = logging.getLogger(__name__)


def take_over(services: Services) -> None:
    """What dead workers left goes on, and what the queue lost track of is put right."""
    takeover.take_over(services.db, services.slots, services.settings.stalled_s)


def keep_slots(services: Services) -> None:
    """Redis agrees with PostgreSQL about who holds slots."""
    services.slots.rebuild_all()
