"""Cross-origin requests: which pages' scripts may call the API, and which headers they may read."""

from collections.abc import Collection

from flask import Flask, Response, request

ANY = "*"
#: The response headers that scripts may read in addition to those that are always readable.
EXPOSED = "ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
#: How long a browser may cache a preflight; none caches it longer.
PREFLIGHT_S = 2 * 60 * 60


def register_cors(app: Flask, origins: Collection[str]) -> None:
    """Lets scripts of these origins call every route; `*` allows any origin, an empty collection none.

    Credentials are never allowed: callers send a token in a header, and cookies are ignored.
    """

    def allow(response: Response) -> Response:
        headers = response.headers
        allowed = ANY
        if ANY not in origins:
            headers.add("Vary", "Origin")  # also for other origins, so that no cache serves their responses to these
            allowed = request.headers.get("Origin", "")
            if allowed not in origins:
                return response
        headers["Access-Control-Allow-Origin"] = allowed
        headers["Access-Control-Expose-Headers"] = EXPOSED
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
            # Any header is allowed: tracing adds its own to a page's requests, and unknown ones are ignored.
            headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
            headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
        return response

    if origins:
        app.after_request(allow)
