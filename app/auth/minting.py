"""Mints access tokens like the platform's, for development and tests."""

import time
from typing import Any
from uuid import UUID

import jwt

AUDIENCE = "authenticated"
WEEK_S = 7 * 24 * 3600


def mint_token(
    secret: str,
    user_id: UUID,
    tier: str,
    *,
    admin: bool = False,
    organization_id: UUID | None = None,
    expires_s: int = WEEK_S,
    audience: str = AUDIENCE,
    issuer: str | None = None,
    tier_claim: str = "app_metadata.tier",
) -> str:
    """A token signed with the secret (HS256) that expires in `expires_s` seconds; `tier_claim` is a dotted path.

    An admin's token is for the courses of the organisation, or without one for all.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        "sub": str(user_id),
        "aud": audience,
        "role": AUDIENCE,
        "iat": now,
        "exp": now + expires_s,
        "app_metadata": {
            **({"role": "superadmin" if organization_id is None else "admin"} if admin else {}),
            **({"organization_id": str(organization_id)} if organization_id is not None else {}),
        },
        **({"iss": issuer} if issuer else {}),
    }
    *parents, name = tier_claim.split(".")
    place = claims
    for parent in parents:
        place = place.setdefault(parent, {})
    place[name] = tier
    return jwt.encode(claims, secret, algorithm="HS256")
