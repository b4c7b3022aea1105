"""Who asks."""

from dataclasses import dataclass
from uuid import UUID

from app.generation.tiers import Tier


@dataclass(frozen=True, slots=True)
class Caller:
    """A user whose token was verified."""

    user_id: UUID
    tier: Tier
    is_admin: bool = False
