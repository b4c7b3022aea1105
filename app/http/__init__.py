"""The HTTP API: routes, authentication, validation, and the mapping of errors to responses."""

from flask import Flask, request
from flask.json.provider import DefaultJSONProvider

from app.http.authentication import register_auth
from app.http.description.docs_page import register_description
from app.http.error_responses import Invalid, register_errors
from app.http.middleware.cors import register_cors
from app.http.middleware.request_context import RequestContextMiddleware
from app.http.routes import course_content, course_status, course_stream, generate, health, prometheus, webhook_key
from app.http.trpc import procedures
from app.protocol.request_environ import MAX_BODY, REJECTED
from app.settings import Settings


class JSON(DefaultJSONProvider):
    """Response bodies: Cyrillic unescaped, fields in the order of the contract."""

    ensure_ascii = False
    sort_keys = False


def register_routes(app: Flask, settings: Settings) -> None:
    """Registers every route of the contract, and handlers that give every error its shape."""
    app.json = JSON(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # the contract has no redirects, and their host would come from the client
    services = app.extensions["services"]
    batchers = {"POST": services.admissions.batches, "GET": services.polls.batches}
    app.wsgi_app = RequestContextMiddleware(app.wsgi_app, batchers)  # type: ignore[method-assign]
    prometheus.register_counters(app)
    register_cors(app, settings.cors_origins)
    app.before_request(_reject)
    register_errors(app, {procedures.ROOT: procedures.render_error})
    register_auth(app, settings)
    for module in (generate, course_status, course_content, course_stream, procedures, health, prometheus, webhook_key):
        app.register_blueprint(module.blueprint)
    register_description(app, settings)


def _reject() -> None:
    """Raises the error that the server found before it called the application."""
    if code := request.environ.get(REJECTED):
        raise Invalid(code)
