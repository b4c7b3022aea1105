"""Access tokens as the platform's sign-in makes them."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt

#: Long enough for HS512, so that a token signed with it is refused for its algorithm alone.
SECRET = "a-secret-of-the-tests-that-is-long-enough-for-every-algorithm-of-its-family"
AUDIENCE = "authenticated"


def make_claims(user_id: UUID | str, tier: str | None = None, **claims: Any) -> dict[str, Any]:
    """The claims of an access token that is good for a minute; a claim given as None is left out."""
    now = int(time.time())
    usual: dict[str, Any] = {
        "sub": str(user_id),
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "role": "authenticated",
        "app_metadata": {"tier": tier} if tier is not None else {},
    }
    return {name: value for name, value in {**usual, **claims}.items() if value is not None}


def sign(claims: Mapping[str, Any], secret: str = SECRET, algorithm: str | None = "HS256", **headers: Any) -> str:
    """The claims as a token."""
    return jwt.encode(dict(claims), secret, algorithm, headers=headers or None)
