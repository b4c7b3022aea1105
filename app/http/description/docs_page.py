"""`/openapi.json`, and `/docs`: a page that shows it with Swagger UI, whose files are in `swagger-ui`.

The document is built on the first request. `/docs` runs under a policy that allows only this service's own files.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, request

from app.http.description.document import describe
from app.http.description.error_shapes import JSON
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


@dataclass(frozen=True, slots=True)
class StaticBody:
    """A body that changes only with a release, and its entity tag."""

    body: bytes
    mimetype: str

    @property
    def tag(self) -> str:
        return hashlib.blake2b(self.body, digest_size=16).hexdigest()


class Description:
    """The document of an application, built on first use. Two threads may build it twice, with the same result."""

    def __init__(self, app: Flask, version: str) -> None:
        self._app = app
        self._version = version

    @cached_property
    def document(self) -> dict[str, Any]:
        return describe(self._app, self._version)

    @cached_property
    def json(self) -> StaticBody:
        text = json.dumps(self.document, ensure_ascii=False, separators=(",", ":"))
        return StaticBody(text.encode(), JSON)


def register_description(app: Flask, settings: Settings) -> None:
    """Adds the routes to the application."""
    app.extensions["description"] = Description(app, settings.app_version)
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document."""
    description: Description = current_app.extensions["description"]
    return _respond(description.json)


@blueprint.get("/docs")
def docs() -> Response:
    """The page for people."""
    response = _respond(_read("docs.html", "text/html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/<file>")
def docs_file(file: str) -> Response:
    """A file that the page loads."""
    if file not in FILES:
        abort(404)
    return _respond(_read(file, FILES[file]))


@cache
def _read(name: str, mimetype: str) -> StaticBody:
    return StaticBody((SWAGGER_UI / name).read_bytes(), mimetype)


def _respond(static: StaticBody) -> Response:
    """The body, or 304 if the client has it."""
    known = request.if_none_match.contains_weak(static.tag)
    response = Response(status=304) if known else Response(static.body, mimetype=static.mimetype)
    response.set_etag(static.tag)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    return response
