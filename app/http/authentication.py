"""Authentication: a verified Supabase access token becomes a `Caller`."""

import hashlib
import logging
import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Flask, current_app
from flask_jwt_extended import decode_token
from jwt.exceptions import PyJWTError

from app.auth.jwks import Keys
from app.auth.tokens import Keyring, TokenManager
from app.current import current_request
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.http.error_responses import Unauthorized
from app.settings import Settings
from app.telemetry.log import bind_also

LEEWAY_S = 30
ADMIN_ROLES = ("admin", "superadmin")
#: The end of the year 9999: no token is good for longer than there are dates.
MAX_TIME = 253_402_300_799
#: How long a verified token is taken again unread, and how many are.
KNOWN_S = 60
MAX_KNOWN = 2048

_UNKNOWN = (None, 0.0, None)
# One scheme and one token in JWS compact form; what else the header may hold never reaches the library.
_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)

log = logging.getLogger(__name__)


class Authenticator:
    """Whose token is whose. One that was verified is taken unread for a minute, unless it ends or the keys change."""

    def __init__(self, keyring: Keyring, tier_claims: tuple[str, ...]) -> None:
        self._keyring = keyring
        self._tier_claims = tier_claims
        self._known: dict[bytes, tuple[Caller, float, Keys | None]] = {}

    def identify(self, token: str) -> Caller:
        """The caller of that token. Raises `jwt.PyJWTError`, ValueError, KeyError; `KeysUnavailable`."""
        digest = hashlib.sha256(token.encode()).digest()
        keys, now = self._keyring.current, time.time()
        caller, until, verified_by = self._known.get(digest, _UNKNOWN)
        if caller is not None and now < until and verified_by is keys:
            return caller
        claims = decode_token(token)
        caller = read_caller(claims, self._tier_claims)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[digest] = caller, min(now + KNOWN_S, int(claims["exp"]) + LEEWAY_S), keys
        return caller


def register_auth(app: Flask, settings: Settings) -> None:
    """Tokens are checked with the secret, by the keys of the endpoint, or either, whichever their header names."""
    keyring = Keyring(settings)
    app.config.update(
        JWT_ALGORITHM=keyring.algorithms[0],  # the library adds it to those below
        JWT_DECODE_ALGORITHMS=keyring.algorithms,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_DECODE_AUDIENCE=settings.jwt_audience,
        JWT_DECODE_ISSUER=settings.jwt_issuer,
        JWT_DECODE_LEEWAY=LEEWAY_S,
        JWT_IDENTITY_CLAIM="sub",
    )
    TokenManager(app).decode_key_loader(keyring.find)
    app.extensions["authenticator"] = Authenticator(keyring, settings.tier_claims)


def authenticate() -> Caller:
    """The caller of the current request, whose ids are bound to its log lines. Raises `Unauthorized`."""
    caller = identify(current_request().environ.get("HTTP_AUTHORIZATION", ""))
    bind_also(userId=caller.user_id, tier=caller.tier.value)
    return caller


def identify(authorization: str) -> Caller:
    """The caller who sends that header. Raises `Unauthorized`."""
    bearer = _BEARER.fullmatch(authorization)
    if bearer is None:
        raise Unauthorized
    try:
        caller: Caller = current_app.extensions["authenticator"].identify(bearer[1])
    except (PyJWTError, ValueError, KeyError) as error:
        log.info("token_refused", extra={"reason": f"{type(error).__name__}: {error}"[:200]})
        raise Unauthorized from error
    return caller


def read_caller(claims: Mapping[str, Any], tier_claims: tuple[str, ...]) -> Caller:
    """Who the claims say it is: `sub`, the first tier claim present, the role. Raises ValueError or KeyError."""
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
