"""The HTTP side: blueprints, authentication, validation, and the mapping of errors to answers."""

from flask import Flask

from app.http import courses, generate, health
from app.http.auth import register_auth
from app.http.errors import register_errors
from app.http.requests import register_requests
from app.settings import Settings

#: The largest body a route takes, in bytes.
MAX_BODY = 64 * 1024


def register_routes(app: Flask, settings: Settings) -> None:
    """The application answers every route of the contract, and every error in the contract's shape."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect is no answer of the contract, and its Host is the client's word
    register_requests(app)
    register_errors(app)
    register_auth(app, settings)
    app.register_blueprint(generate.blueprint)
    app.register_blueprint(courses.blueprint)
    app.register_blueprint(health.blueprint)
