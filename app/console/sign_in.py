"""`/login`, `/logout` and `/healthz`."""

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.console.access import COOKIE, SignInRequired, identify, is_on_loopback
from app.console.languages import mark, translate
from app.console.paths import is_own_path
from app.operations import sign_in as sessions
from app.services.current import current_services

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/healthz")
def is_healthy() -> dict[str, str]:
    """200 while the process serves requests; contacts no server."""
    return {"status": "ok"}


@blueprint.get("/login")
def sign_in_with_link() -> Any:
    """The form for a token. A link signs in and answers with a page: a redirect would not send the strict cookie."""
    link = request.args.get("link")
    if link is None or request.method == "HEAD":  # a preview must not use the link up
        return render_template("login.html", reason="", back="/")
    session = sessions.sign_in_by_link(current_services().db, link)
    if session is None:
        return show_login(mark("That link was used before, or has expired. Make another: coursegen console-link."))
    return _keep(make_response(render_template("signed_in.html")), session)


@blueprint.post("/login")
def sign_in_with_token() -> AnyResponse:
    operator = identify(f"Bearer {request.form.get('token', '').strip()}")
    back = request.form.get("back", "")
    return _keep(redirect(back if is_own_path(back) else "/", 303), sessions.sign_in(current_services().db, operator))


@blueprint.post("/logout")
def sign_out() -> AnyResponse:
    sessions.sign_out(current_services().db, request.cookies.get(COOKIE, ""))
    response = redirect(url_for("sign_in.sign_in_with_link"), 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=not is_on_loopback())
    return response


def show_login(reason: str) -> tuple[str, int]:
    """The form for a token, in place of a page that needs one."""
    back = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/login" else "/"
    return render_template("login.html", reason=translate(reason), back=back if is_own_path(back) else "/"), 401


def _keep(response: Any, session: str) -> Response:
    response.set_cookie(
        COOKIE,
        session,
        max_age=sessions.SESSION_S,
        httponly=True,
        samesite="Strict",
        secure=not is_on_loopback(),
    )
    return response  # type: ignore[no-any-return]


blueprint.register_error_handler(SignInRequired, lambda error: show_login(error.reason))
