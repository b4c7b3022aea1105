"""The user who makes a request."""

from dataclasses import dataclass
from uuid import UUID

from app.generation.tiers import Tier


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a verified token."""

    user_id: UUID
    tier: Tier
    is_admin: bool = False
