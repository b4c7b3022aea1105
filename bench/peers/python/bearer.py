"""Verifies bearer tokens."""

from typing import NamedTuple

import jwt

from bench.peers.python.stack_settings import JWT_AUDIENCE, JWT_SECRET, USER_LIMITS

UNAUTHORIZED = "Unauthorized: Invalid or missing authentication token"


class User(NamedTuple):
    """The user that sent the request, and their tier."""

    user_id: str
    tier: str


def verify(header: str) -> User | None:
    """The user of a valid HS256 token, else None."""
    try:
        claims = jwt.decode(
            header.removeprefix("Bearer "),
            JWT_SECRET,
            algorithms=["HS256"],
            audience=JWT_AUDIENCE,
            leeway=30,
            options={"require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError:
        return None
    metadata = [claims.get("app_metadata") or {}, claims.get("user_metadata") or {}]
    tier = next((each["tier"] for each in metadata if each.get("tier") in USER_LIMITS), "FREE")
    return User(claims["sub"], tier)
