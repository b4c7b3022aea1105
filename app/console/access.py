"""Who makes a request, and whether it may act: checked before any page."""

import hashlib
import hmac
import logging
import re
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request
from jwt.exceptions import PyJWTError
from werkzeug.exceptions import BadHost

from app.auth.operators import ConsoleRole, OperatorTokens
from app.auth.remote_keys import KeysUnavailable
from app.console.delivery import STYLE_SOURCE
from app.console.languages import mark, translate
from app.operations.sign_in import Operator, find_operator
from app.protocol.request_environ import REJECTED
from app.services import Services
from app.settings import LOOPBACK

COOKIE = "coursegen_console"
#: The endpoints that nobody needs to sign in for.
OPEN = ("static", "languages.choose", "sign_in.sign_in_with_token", "sign_in.sign_in_with_link", "sign_in.is_healthy")
#: Everything comes from the console itself: no script within a page, no style but its own, no frame around it.
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {STYLE_SOURCE}; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_BEARER = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]+) *", re.ASCII | re.IGNORECASE)

log = logging.getLogger(__name__)


class SignInRequired(Exception):
    """The request names nobody, or a session that has ended."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(reason)


class NotAllowed(Exception):
    """The operator's role does not include that; the message says what is needed."""


def reading() -> Services:
    """The services whose database is read-only: all that a page uses."""
    return cast(Services, current_app.extensions["reading"])


def operator() -> Operator:
    """Who is signed in."""
    return cast(Operator, g.operator)


def require(role: ConsoleRole) -> Operator:
    """The operator, whose role includes that one. Raises `NotAllowed`. Each action begins with this."""
    if not operator().role.includes(role):
        raise NotAllowed(translate("This needs the role {role}.").format(role=role))
    return operator()


def may(role: ConsoleRole) -> bool:
    return operator().role.includes(role)


def register_access(app: Flask) -> None:
    app.before_request(_check)
    app.after_request(_add_policy)


def _check() -> Response | None:
    if REJECTED in request.environ:
        abort(400)
    if isinstance(problem := request.routing_exception, BadHost):  # no page can be made: none would have an address
        return Response(problem.description, 400, mimetype="text/plain")
    if request.method not in ("GET", "HEAD"):
        _check_origin()
    if request.endpoint in OPEN:
        return None
    session, authorization = request.cookies.get(COOKIE, ""), request.headers.get("Authorization", "")
    # Beside a session, another scheme is a proxy's own password.
    if authorization and (not session or authorization.lower().startswith("bearer")):
        g.operator = identify(authorization)
    elif found := find_operator(reading().db, session) if session else None:
        g.operator, g.form_token = found, _form_token(session)
        sent = request.form.get("form_token", "") if request.method == "POST" else g.form_token
        if not hmac.compare_digest(sent.encode(), g.form_token.encode()):
            abort(403, translate("The form is not one of your session. Go back, load the page again, and repeat it."))
    else:
        raise SignInRequired(mark("Your session has ended.") if session else "")
    return None


def identify(authorization: str) -> Operator:
    """The operator that a header `Authorization` names. Raises `SignInRequired`."""
    bearer = _BEARER.fullmatch(authorization)
    if bearer is None:
        raise SignInRequired(mark("That is not a token."))
    tokens: OperatorTokens = current_app.extensions["operator_tokens"]
    try:
        user_id, role = tokens.identify(bearer[1])
    except KeysUnavailable as error:
        raise SignInRequired(mark("The sign-in's keys can't be fetched. Use coursegen console-link.")) from error
    except (PyJWTError, ValueError, KeyError) as error:
        log.info("token_rejected", extra={"reason": f"{type(error).__name__}: {error}"[:200]})
        raise SignInRequired(mark("The token is not valid, or has expired.")) from error
    if role is None:
        raise SignInRequired(mark("The token names no role at the console."))
    return Operator(f"console:{user_id}", role)


def is_on_loopback() -> bool:
    """Whether the browser reached the console on its own machine, perhaps through a tunnel."""
    return (urlsplit(f"//{request.host}").hostname or "") in LOOPBACK


def _form_token(session: str) -> str:
    """What the session's forms carry; other sites know neither it nor the cookie that it is made of."""
    return hmac.new(session.encode("utf-8", "surrogateescape"), b"form", hashlib.sha256).hexdigest()


def _check_origin() -> None:
    """Browsers say where a form comes from; other programs need not."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_own = site == "same-origin" if site is not None else origin is None or origin.partition("://")[2] == request.host
    if not is_own:
        abort(403, translate("The form was sent by another site."))


def _add_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
