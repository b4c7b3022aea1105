"""Upkeep: what puts right whatever was lost or left over. Every piece of it is safe to run twice at once."""

import logging

from app.services import Services

log = logging.getLogger(__name__)


def keep_slots(services: Services) -> None:
    """Redis agrees with PostgreSQL about who holds slots."""
    services.slots.rebuild_all()
