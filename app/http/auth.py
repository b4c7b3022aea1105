"""Authentication: a verified Supabase access token becomes a `Caller`."""

import logging
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Flask, current_app, g, request
from flask_jwt_extended import JWTManager, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError

from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.http.errors import Unauthorized
from app.log import bind
from app.settings import Settings

LEEWAY_S = 30
ADMIN_ROLES = ("admin", "superadmin")

# One scheme and one token in JWS compact form; what else the header may hold never reaches the library.
_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)

log = logging.getLogger(__name__)


def register_auth(app: Flask, settings: Settings) -> None:
    """Tokens are checked with HS256 and the secret. Keys by `kid` belong into a `decode_key_loader` of the manager."""
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret,
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_TOKEN_LOCATION=["headers"],
        JWT_DECODE_AUDIENCE=settings.jwt_audience,
        JWT_DECODE_ISSUER=settings.jwt_issuer,
        JWT_DECODE_LEEWAY=LEEWAY_S,
        JWT_IDENTITY_CLAIM="sub",
    )
    app.extensions["tier_claims"] = settings.tier_claims
    JWTManager(app)


def authenticate() -> Caller:
    """The caller of the current request, whose ids are bound to its log lines. Raises `Unauthorized`."""
    bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if bearer is None:
        raise Unauthorized
    try:
        caller = read_caller(decode_token(bearer[1]), current_app.extensions["tier_claims"])
    except (JWTExtendedException, PyJWTError, ValueError, TypeError, KeyError) as error:
        log.info("token_refused", extra={"reason": f"{type(error).__name__}: {error}"})
        raise Unauthorized from error
    g.context.enter_context(bind(userId=caller.user_id, tier=caller.tier.value))
    return caller


def read_caller(claims: Mapping[str, Any], tier_claims: tuple[str, ...]) -> Caller:
    """Who the claims say it is: `sub`, the first tier claim present, the role. Raises ValueError or KeyError."""
    if "exp" not in claims:
        raise ValueError("The token never expires")
    if claims["type"] != "access":
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
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
