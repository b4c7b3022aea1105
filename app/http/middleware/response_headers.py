"""What every answer tells browsers and caches."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Strict-Transport-Security is not among them: it binds the whole host, and is for whoever ends TLS to say.
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)
_BY_NAME = {name.lower(): (name, value) for name, value in HEADERS}


def register_headers(app: Flask) -> None:
    """An answer is not sniffed, framed or kept, and loads nothing, unless its view said otherwise."""
    app.wsgi_app = _Completed(app.wsgi_app)  # type: ignore[method-assign]


class _Completed:
    """As WSGI, where an answer's headers are a list of pairs, and looking through it costs next to nothing."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def complete(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            missing = [pair for name, pair in _BY_NAME.items() if name not in said]
            return start_response(status, headers + missing, *error)

        return self._app(environ, complete)
