"""The caller of a verified access token."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from app.auth.jwks import Keys
from app.auth.tokens import Keyring, verify_token
from app.generation.callers import Caller, Role
from app.generation.tiers import TierNames
from app.settings import Settings

LEEWAY_S = 30
#: The end of the year 9999, the last that a date can hold.
MAX_TIME = 253_402_300_799
#: How long a verified token is cached, and how many tokens are.
CACHED_S = 60
MAX_CACHED = 2048


def decoding(keyring: Keyring, settings: Settings) -> dict[str, Any]:
    """How tokens are verified, as settings of Flask-JWT-Extended."""
    return {
        "JWT_DECODE_ALGORITHMS": keyring.algorithms,
        "JWT_DECODE_AUDIENCE": settings.jwt_audience,
        "JWT_DECODE_ISSUER": settings.jwt_issuer,
        "JWT_DECODE_LEEWAY": LEEWAY_S,
        "JWT_IDENTITY_CLAIM": "sub",
    }


class Authenticator:
    """Verifies tokens and caches the result for a minute, or until the token expires or the keys change."""

    def __init__(self, keyring: Keyring, config: Mapping[str, Any], settings: Settings) -> None:
        self._keyring = keyring
        self._config = config
        self._settings = settings
        self._tiers = TierNames(settings.tier_aliases)
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
        caller = read_caller(claims, self._settings, self._tiers)
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[digest] = caller, min(now + CACHED_S, int(claims["exp"]) + LEEWAY_S), keys
        return caller


def read_caller(claims: Mapping[str, Any], settings: Settings, tiers: TierNames) -> Caller:
    """The caller that the claims describe, by `TIER_CLAIMS`, `ROLE_CLAIMS` and `ORGANIZATION_CLAIMS`.

    Raises ValueError or KeyError.
    """
    expires = claims["exp"]
    if isinstance(expires, bool) or not isinstance(expires, int | float) or expires > MAX_TIME:
        raise ValueError("The token does not say when it expires")
    if claims.get("type", "access") != "access":
        raise ValueError("The token is not an access token")
    tier = next(present(claims, settings.tier_claims), None)
    roles = (role for value in present(claims, settings.role_claims) for role in Role if role.value == value)
    return Caller(
        user_id=UUID(claims["sub"]),
        tier=tiers.read(tier),
        role=next(roles, None),
        organization_id=_read_id(next(present(claims, settings.organization_claims), None)),
    )


def present(claims: Mapping[str, Any], paths: tuple[str, ...]) -> Iterator[Any]:
    """The values of the claims at these dotted paths that are there."""
    return (value for path in paths if (value := _claim(claims, path)) is not None)


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _read_id(value: object) -> UUID | None:
    """The organisation that a claim names; None if it names none, so that nobody is its admin."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
