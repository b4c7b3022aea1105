"""Around every request: its id, its deadline, its one log line."""

import logging
import re
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from flask import Flask
from uuid_utils import uuid4

from app.database.deadline import deadline
from app.telemetry.log import bind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The whole answer takes at most 5 s; what is left of it belongs to rendering and the way back.
DEADLINE_S = 4.5
#: When the request arrived in its thread, in the environment of the request, by `time.perf_counter`.
STARTED = "coursegen.started"

#: Of the request that this thread answers; None where it answers none.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

log = logging.getLogger(__name__)


def register_requests(app: Flask) -> None:
    """Each request has a `request_id`, bound to its log lines and echoed, and a deadline."""
    app.wsgi_app = _Surroundings(app.wsgi_app)  # type: ignore[method-assign]


class _Surroundings:
    """As WSGI, where a request is begun and answered once, whatever becomes of it in the framework."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started = environ[STARTED] = time.perf_counter()
        offered = environ.get("HTTP_X_REQUEST_ID", "")
        name = offered if _REQUEST_ID.fullmatch(offered) else str(uuid4())

        def answer(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            asked = environ["werkzeug.request"]
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            fields = {"method": asked.method, "path": asked.path, "status": int(status[:3]), "ms": milliseconds}
            log.info("request", extra=fields)
            return start_response(status, [*headers, ("X-Request-ID", name)], *error)

        token = request_id.set(name)
        try:
            with bind(requestId=name), deadline(DEADLINE_S):
                return self._app(environ, answer)
        finally:
            request_id.reset(token)
