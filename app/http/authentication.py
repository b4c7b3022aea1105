"""Authentication of requests: the `Authorization` header becomes a `Caller`."""

import logging
import re

from flask import Flask, current_app, request
from flask_jwt_extended import JWTManager
from jwt.exceptions import PyJWTError

from app.auth.authenticator import Authenticator, decoding
from app.auth.tokens import Keyring
from app.generation.callers import Caller
from app.http.error_responses import Unauthorized
from app.settings import Settings
from app.telemetry.log import bind_also

# One scheme and one token in JWS compact form; nothing else in the header reaches the library.
_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)

log = logging.getLogger(__name__)


def register_auth(app: Flask, settings: Settings) -> None:
    """Sets up `authenticate`: the token's header names its key, which is the secret or one of the endpoint's."""
    keyring = Keyring(settings)
    app.config.update(JWT_ALGORITHM=keyring.algorithms[0])  # the library adds it to those below
    app.config.update(decoding(keyring, settings))
    JWTManager(app)
    app.extensions["authenticator"] = Authenticator(keyring, app.config, settings)


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
