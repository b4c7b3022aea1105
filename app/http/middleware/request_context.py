"""The context of a request: its id, its deadline, its log line, and the headers of its response."""

import logging
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid4

from app.database.deadline import deadline
from app.generation.batching import Batcher
from app.protocol.request_environ import ARRIVED
from app.telemetry.log import bind
from app.telemetry.traceparent import make_traceparent, read_traceparent, trace_id
from app.telemetry.tracing import current_span, span

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: A response takes at most 5 s from the request's head; the rest is for rendering and sending it.
DEADLINE_S = 4.5
#: The key in the WSGI environment of the time at which the request reached its thread, by `time.perf_counter`.
STARTED = "coursegen.started"
#: The key of the request's `traceparent`.
TRACEPARENT = "coursegen.traceparent"
#: The headers of each response whose view did not set them. Without Strict-Transport-Security: it binds the whole
#: host, so it is set where TLS ends.
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)

#: The id of this thread's request; None outside one.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

log = logging.getLogger(__name__)


class RequestContextMiddleware:
    """Gives each request an id and a deadline, binds the id to the log, logs the request once, and adds `HEADERS`.

    The request goes on with the trace that it names in `traceparent`, or begins one; the log has the trace's id.
    `batchers`: by method, the batcher that most requests of that method call. It waits a moment for them.
    """

    def __init__(self, app: "WSGIApplication", batchers: Mapping[str, Batcher[Any, Any]]) -> None:
        self._app = app
        self._batchers = batchers

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started = environ[STARTED] = time.perf_counter()
        now = time.monotonic()
        seconds = max(0.0, DEADLINE_S - (now - environ.get(ARRIVED, now)))
        offered = environ.get("HTTP_X_REQUEST_ID", "")
        name = offered if _REQUEST_ID.fullmatch(offered) else str(uuid4())

        def respond(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            fields: dict[str, Any] = {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
                "status": int(status[:3]),
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }
            log.info("request", extra=fields)
            current_span().note(
                http__request__method=fields["method"],
                url__path=fields["path"],
                http__response__status_code=fields["status"],
            )
            if fields["status"] >= 500:
                current_span().fail(status)
            present = {header.lower() for header, _ in headers}
            missing = [(header, value) for header, value in HEADERS if header.lower() not in present]
            return start_response(status, [*headers, *missing, ("X-Request-ID", name)], *error)

        token = request_id.set(name)
        method, received = environ["REQUEST_METHOD"], read_traceparent(environ.get("HTTP_TRACEPARENT", ""))
        try:
            batcher = self._batchers.get(method)
            with (
                span("request", received, "SERVER") as recorded,
                deadline(seconds),
                batcher.expecting() if batcher else nullcontext(),
            ):
                environ[TRACEPARENT] = traceparent = recorded.traceparent or make_traceparent()
                with bind(requestId=name, traceId=trace_id(traceparent)):
                    return self._app(environ, respond)
        finally:
            request_id.reset(token)
