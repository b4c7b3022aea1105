"""The user who makes a request."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from app.generation.tiers import Tier

#: How often a user may start and cancel within a minute, together, unless the setting differs.
PER_MINUTE = 60


class Role(Enum):
    """What a user may do beside their own: an admin of one organisation, or of all."""

    ADMIN = "admin"
    SUPERADMIN = "superadmin"


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a verified token. `organization_id` is the token's."""

    user_id: UUID
    tier: Tier
    role: Role | None = None
    organization_id: UUID | None = None

    def may_access(self, user_id: UUID | None, organization_id: UUID | None) -> bool:
        """Whether the caller owns or administers a course of that user and organisation."""
        if user_id == self.user_id or self.role is Role.SUPERADMIN:
            return True
        return self.role is Role.ADMIN and organization_id is not None and organization_id == self.organization_id
