"""Headers that every response carries for browsers and caches."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Without Strict-Transport-Security: it binds the whole host, so it is set where TLS ends.
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)


class DefaultHeadersMiddleware:
    """Adds each of `HEADERS` to a response whose view did not set it."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def respond(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            missing = [(name, value) for name, value in HEADERS if name.lower() not in present]
            return start_response(status, headers + missing, *error)

        return self._app(environ, respond)
