"""How answers travel: styles within the page, files with an address of their own content, and texts compressed."""

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

YEAR_S = 365 * 86400
#: A page contains its styles: on a slow line, fetching them takes longer than everything else.
STYLE = (Path(__file__).parent / "static" / "console.css").read_text(encoding="utf-8")
#: What the page's policy allows within it.
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
COMPRESSED = ("text/html", "text/css", "text/javascript", "application/json", "image/svg+xml")
#: A shorter body fits a packet as it is.
SHORT = 1000


def register_delivery(app: Flask) -> None:
    folder = Path(str(app.static_folder))
    version = cache(lambda name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12])

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["v"] = version(values["filename"])

    @app.context_processor
    def add_style() -> dict[str, str]:
        return {"style": STYLE}

    @app.after_request
    def deliver(response: Response) -> Response:
        """A changed file has another address: a browser need not ask for the same one again."""
        if request.endpoint == "static" and response.status_code == 200:
            name = str((request.view_args or {})["filename"])
            if request.args.get("v") == version(name):
                response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        return _compress(response)


def _compress(response: Response) -> Response:
    """The answer, compressed if the browser accepts that. No other site can probe its length: the cookie is strict."""
    if response.mimetype not in COMPRESSED or response.status_code != 200:
        return response
    response.vary.add("Accept-Encoding")
    response.direct_passthrough = False
    body = response.get_data()
    if request.accept_encodings["gzip"] and len(body) > SHORT:
        response.set_data(gzip.compress(body, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        if tag := response.get_etag()[0]:
            response.set_etag(tag, weak=True)
    return response
