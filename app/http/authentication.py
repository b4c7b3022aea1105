"""Authentication: a verified Supabase access token becomes a `Caller`."""

import hashlib
import logging
import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Flask, current_app, request
from flask_jwt_extended import JWTManager
from jwt.exceptions import PyJWTError

from app.auth.jwks import Keys
from app.auth.tokens import Keyring, verify_token
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.http.error_responses import Unauthorized
from app.settings import Settings
from app.telemetry.log import bind_also

LEEWAY_S = 30
ADMIN_ROLES = ("admin", "superadmin")
#: The end of the year 9999, the last that a date can hold.
MAX_TIME = 253_402_300_799
#: How long a verified token is cached, and how many tokens are.
CACHED_S = 60
MAX_CACHED = 2048

# One scheme and one token in JWS compact form; nothing else in the header reaches the library.
_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)

log = logging.getLogger(__name__)


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


def register_auth(app: Flask, settings: Settings) -> None:
    """Sets up `authenticate`: the token's header names its key, which is the secret or one of the endpoint's."""
    keyring = Keyring(settings)
    app.config.update(
        JWT_ALGORITHM=keyring.algorithms[0],  # the library adds it to those below
        JWT_DECODE_ALGORITHMS=keyring.algorithms,
        JWT_DECODE_AUDIENCE=settings.jwt_audience,
        JWT_DECODE_ISSUER=settings.jwt_issuer,
        JWT_DECODE_LEEWAY=LEEWAY_S,
    )
    JWTManager(app)
    app.extensions["authenticator"] = Authenticator(keyring, app.config, settings.tier_claims)


def authenticate() -> Caller:
    """The caller of the current request; binds their id and tier to its log lines. Raises `Unauthorized`."""
    caller = identify(request.headers.get("Authorization", ""))
    bind_also(userId=caller.user_id, tier=caller.tier.value)
    return caller


def identify(authorization: str) -> Caller:
    """The caller that an `Authorization` header names. Raises `Unauthorized`."""
    bearer = _BEARER.fullmatch(authorization)
    if bearer is None:
        raise Unauthorized
    try:
        caller: Caller = current_app.extensions["authenticator"].identify(bearer[1])
    except (PyJWTError, ValueError, KeyError) as error:
        log.info("token_rejected", extra={"reason": f"{type(error).__name__}: {error}"[:200]})
        raise Unauthorized from error
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
