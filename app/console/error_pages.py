"""Every error as a page with a sentence, from which the console goes on."""

import logging

import psycopg
from flask import Flask, g, render_template
from psycopg_pool import TooManyRequests
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.console.access import NotAllowed, SignInRequired
from app.console.languages import mark, translate
from app.console.sign_in import show_login
from app.database.pool import Unmigrated
from app.operations.listings import NotFound

TOO_LONG = mark(
    "The search took longer than 2 s and was stopped. Narrow it: a shorter time, a status, a user or a course."
)
BUSY = mark("The console is busy: other pages wait for its connections, too. Load this one again in a moment.")
LOCKED = mark("A transaction of another session locks what this page reads. The page Now names it.")

log = logging.getLogger(__name__)


def register_errors(app: Flask) -> None:
    app.register_error_handler(SignInRequired, lambda error: show_login(error.reason))
    app.register_error_handler(NotAllowed, lambda error: show_error(403, str(error)))
    app.register_error_handler(NotFound, lambda error: show_error(404, f"{error}."))
    app.register_error_handler(Unmigrated, lambda error: show_error(503, f"{error}."))
    app.register_error_handler(psycopg.errors.QueryCanceled, lambda _: show_error(503, translate(TOO_LONG)))
    app.register_error_handler(psycopg.errors.LockNotAvailable, lambda _: show_error(503, translate(LOCKED)))
    app.register_error_handler(TooManyRequests, lambda _: show_error(503, translate(BUSY)))
    app.register_error_handler(psycopg.Error, _show_database_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(Exception, _show_fault)


def show_error(status: int, sentence: str) -> tuple[str, int]:
    return render_template("error.html", sentence=sentence, operator=g.get("operator")), status


def _show_http_error(error: HTTPException) -> tuple[str, int, dict[str, str]]:
    allowed = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
    return *show_error(error.code or 500, str(error.description)), allowed


def _show_database_error(error: Exception) -> tuple[str, int]:
    log.warning("database_unavailable", extra={"error": str(error)})
    abridged = str(error).splitlines()[0] if str(error) else "–"
    sentence = translate("The database can't be used")
    return show_error(503, f"{sentence}: {abridged}")


def _show_fault(error: Exception) -> tuple[str, int]:
    log.error("page_failed", exc_info=error)
    return show_error(500, translate("The console failed here. Its log has the reason."))
