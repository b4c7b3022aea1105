"""What every answer tells browsers and caches."""

from flask import Flask, Response

#: Strict-Transport-Security is not among them: it binds the whole host, and is for whoever ends TLS to say.
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)


def register_headers(app: Flask) -> None:
    """An answer is not sniffed, framed or kept, and loads nothing, unless its view said otherwise."""
    app.after_request(_complete)


def _complete(response: Response) -> Response:
    headers = response.headers
    said = {name.lower() for name, _ in headers}  # a third of the time of asking for each
    for name, value in HEADERS:
        if name.lower() not in said:
            headers.add(name, value)
    return response
