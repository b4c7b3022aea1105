"""Cross-origin requests: which pages' scripts may call, and what they may read of an answer."""

from collections.abc import Collection
from functools import partial

from flask import Flask, Response, request

ANYBODY = "*"
#: What scripts may read besides the body and the headers that are always readable.
EXPOSED = "ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
#: How long a browser may remember a preflight; none remembers it longer.
PREFLIGHT_S = 2 * 60 * 60


def register_cors(app: Flask, origins: Collection[str]) -> None:
    """Scripts of pages of these origins, or of any with `*`, may call every route; with none nobody's may.

    Never with credentials: a caller shows a token, which its script puts there itself, and cookies mean nothing here.
    """
    if origins:
        app.after_request(partial(_allow, frozenset(origins)))


def _allow(origins: frozenset[str], response: Response) -> Response:
    headers = response.headers
    allowed = ANYBODY
    if ANYBODY not in origins:
        headers.add("Vary", "Origin")  # on the others' answers too: a cache must not hand theirs to those allowed
        allowed = request.headers.get("Origin", "")
        if allowed not in origins:
            return response
    headers["Access-Control-Allow-Origin"] = allowed
    headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
        # Whatever is asked for: a page may have its requests traced, and a header we don't know does nothing.
        headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return response
