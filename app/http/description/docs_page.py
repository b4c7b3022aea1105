"""`/openapi.json`, and `/docs`: a page that shows it with Swagger UI, whose files are in `swagger-ui`.

The document is built on the first request. `/docs` runs under a policy that allows only this service's own files.
"""

import json
from functools import cache
from hashlib import blake2b
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, request

from app.generation.webhooks.signing_keys import read_public_key
from app.http.description.document import JSON, describe
from app.settings import Settings

#: How long a cache may keep them, in seconds. They change only with a release.
MAX_AGE_S = 300

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SWAGGER_UI = Path(__file__).parent / "swagger-ui"
#: The files of the page by name, with their types.
FILES = {"start.js": "text/javascript", "swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}

blueprint = Blueprint("description", __name__)


def register_description(app: Flask, settings: Settings) -> None:
    """Adds the routes to the application."""

    @cache  # two threads may build it twice, with the same result
    def document() -> bytes:
        signing_key = settings.webhook_signing_key
        described = describe(app, settings.app_version, signing_key and read_public_key(signing_key))
        return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()

    app.extensions["openapi"] = document
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document."""
    return _respond(current_app.extensions["openapi"](), JSON)


@blueprint.get("/docs")
def docs() -> Response:
    """The page for people."""
    response = _respond(_read("docs.html"), "text/html")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/<file>")
def docs_file(file: str) -> Response:
    """A file that the page loads."""
    if file not in FILES:
        abort(404)
    return _respond(_read(file), FILES[file])


@cache
def _read(name: str) -> bytes:
    return (SWAGGER_UI / name).read_bytes()


def _respond(body: bytes, mimetype: str) -> Response:
    """The body, or 304 if the client has it."""
    tag = blake2b(body, digest_size=16).hexdigest()
    known = request.if_none_match.contains_weak(tag)
    response = Response(status=304) if known else Response(body, mimetype=mimetype)
    response.set_etag(tag)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    return response
