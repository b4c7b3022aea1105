"""`/openapi.json` and `/docs`: made at the first request for either, and the same from then on."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request

from app.http.description.document import describe
from app.http.description.operations import JSON
from app.http.description.page.html import render_page
from app.settings import Settings

#: How long a cache may show them unasked, in seconds: they change with a release.
MAX_AGE_S = 300

blueprint = Blueprint("description", __name__)


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent, and what identifies it."""

    body: bytes
    mimetype: str
    tag: str
    policy: str | None = None


class Description:
    """The document and its page, each made when it is first asked for; two threads may make the same twice."""

    def __init__(self, app: Flask, version: str) -> None:
        self._app = app
        self._version = version

    @cached_property
    def document(self) -> dict[str, Any]:
        return describe(self._app, self._version)

    @cached_property
    def json(self) -> Page:
        return _page(json.dumps(self.document, ensure_ascii=False, separators=(",", ":")), JSON)

    @cached_property
    def html(self) -> Page:
        text, policy = render_page(self.document)
        return _page(text, "text/html", policy)


def register_description(app: Flask, settings: Settings) -> None:
    """The application describes itself."""
    app.extensions["description"] = Description(app, settings.app_version)
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document."""
    return _send(_description().json)


@blueprint.get("/docs")
def docs() -> Response:
    """The page for people."""
    return _send(_description().html)


def _description() -> Description:
    description: Description = current_app.extensions["description"]
    return description


def _page(text: str, mimetype: str, policy: str | None = None) -> Page:
    body = text.encode()
    return Page(body, mimetype, hashlib.blake2b(body, digest_size=16).hexdigest(), policy)


def _send(page: Page) -> Response:
    """The page, or 304 to who has it."""
    known = request.if_none_match.contains_weak(page.tag)
    response = Response(status=304) if known else Response(page.body, mimetype=page.mimetype)
    response.set_etag(page.tag)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    if page.policy:
        response.headers["Content-Security-Policy"] = page.policy
    return response
