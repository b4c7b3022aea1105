"""The caller of a verified access token."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.auth.jwks import Keys
from app.auth.tokens import Keyring, verify_token
from app.generation.callers import Caller
from app.generation.tiers import Tier

LEEWAY_S = 30
ADMIN_ROLES = ("admin", "superadmin")
#: The end of the year 9999, the last that a date can hold.
MAX_TIME = 253_402_300_799
#: How long a verified token is cached, and how many tokens are.
CACHED_S = 60
MAX_CACHED = 2048


class Authenticator:
    """Verifies tokens and caches the result for a minute, or until the token expires or the keys change."""

    def __init__(self, keyring: Keyring, config: Mapping[str, Any], tier_claims: tuple[str, ...]) -> None:
        self._keyring = keyring
        self._config = config
        self._tier_claims = tier_claims
        self._cache: dict[bytes, tuple[Caller, float, Keys | None]] = {}

    def identify(self, token: str) -> Caller:
        """The caller who holds the token. Raises `jwt.PyJWTError`, ValueError, KeyError, `KeysUnavailable`."""
        digest = hashlib.sha256(token.encode()).digest()
        keys, now = self._keyring.current, time.time()
        if cached := self._cache.get(digest):
            caller, until, verified_by = cached
            if now < until and verified_by is keys:
                return caller
        claims = verify_token(token, self._keyring, self._config)
        caller = read_caller(claims, self._tier_claims)
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[digest] = caller, min(now + CACHED_S, int(claims["exp"]) + LEEWAY_S), keys
        return caller


def read_caller(claims: Mapping[str, Any], tier_claims: tuple[str, ...]) -> Caller:
    """The caller that the claims describe: `sub`, the first tier claim present, the role.

    Raises ValueError or KeyError.
    """
    expires = claims["exp"]
    if isinstance(expires, bool) or not isinstance(expires, int | float) or expires > MAX_TIME:
        raise ValueError("The token does not say when it expires")
    if claims.get("type", "access") != "access":
        raise ValueError("The token is not an access token")
    tiers = [value for path in tier_claims if (value := _claim(claims, path)) is not None]
    return Caller(
        user_id=UUID(claims["sub"]),
        tier=Tier.named(tiers[0]) if tiers else Tier.FREE,
        is_admin=_claim(claims, "app_metadata.role") in ADMIN_ROLES,
    )


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
