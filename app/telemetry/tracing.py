"""Spans for OpenTelemetry, if `OTEL_EXPORTER_OTLP_ENDPOINT` is set and its packages are installed; else nothing at all.

The packages read their other variables of the environment themselves: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and so on. A thread of theirs sends spans; nobody waits for it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

#: How long the end of a process waits for its last spans.
FLUSH_S = 1.0
MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: "
    "pip install --require-hashes -r requirements-otel.lock"
)

log = logging.getLogger(__name__)


class Span:
    """A span under way, or its absence. `traceparent` is what its calls pass on: None in no trace."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, traceparent: str | None, span: Any = None) -> None:
        self.traceparent, self._span = traceparent, span

    def note(self, **attributes: str | int | None) -> None:
        """Adds attributes, by their names with `__` for a dot. None is left out."""
        if self._span is not None:
            self._span.set_attributes({n.replace("__", "."): v for n, v in attributes.items() if v is not None})

    def rename(self, name: str) -> None:
        """Gives it a name that was not known at its beginning."""
        if self._span is not None:
            self._span.update_name(name)

    def fail(self, why: str) -> None:
        """Marks it as failed."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, why[:200]))


_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None
_NO_SPAN = Span(None)
_current: ContextVar[Span] = ContextVar("current", default=_NO_SPAN)


def start_tracing(service: str, environment: str, version: str, endpoint: str | None) -> None:
    """Spans are recorded from now on if there is an endpoint and the packages are installed.

    `service`: the name if OTEL_SERVICE_NAME is not set. Starts a thread, so call it after the last fork.
    """
    global _provider, _tracer  # noqa: PLW0603 - one of a process, as OpenTelemetry itself has it
    if endpoint is None or _provider is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        log.error("tracing_unavailable", extra={"error": f"{MISSING} ({error})"})
        return
    named = {"service.name": f"course-generation-{service}", "service.version": version}
    named["deployment.environment.name"] = environment
    given = Resource.create().attributes  # has a name at any rate
    is_unnamed = str(given["service.name"]).startswith("unknown_service")
    own = {name: value for name, value in named.items() if name not in given or (name == "service.name" and is_unnamed)}
    resource = Resource.create(own)
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer("course-generation", version)
    # Of a collector that is away, one line for each batch is enough.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    log.info("tracing_started")


def stop_tracing() -> None:
    """Sends the spans that have ended, if the collector takes them within `FLUSH_S`. Records no more."""
    global _provider, _tracer  # noqa: PLW0603
    if _provider is None:
        return
    # Its own limits are longer, and do not bind a collector that hangs.
    stopping = threading.Thread(target=_provider.shutdown, name="tracing", daemon=True)
    _provider = _tracer = None
    stopping.start()
    stopping.join(FLUSH_S)


def span(
    name: str, parent: str | None, kind: str = "INTERNAL", **attributes: str | int | None
) -> AbstractContextManager[Span]:
    """A span for the block, whose parent is that `traceparent`. An error that leaves the block marks it as failed.

    `kind` is OpenTelemetry's. Without tracing it passes the parent on.
    """
    return nullcontext(Span(parent)) if _tracer is None else _record(_tracer, name, parent, kind, attributes)


def current_span() -> Span:
    """The innermost span of this thread's block, which may be none."""
    return _current.get()


@contextmanager
def _record(
    tracer: "Tracer", name: str, parent: str | None, kind: str, attributes: dict[str, str | int | None]
) -> Iterator[Span]:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {} if parent is None else {"traceparent": parent}
    context = TraceContextTextMapPropagator().extract(carrier, Context())
    recorded = tracer.start_span(name, context, SpanKind[kind])
    ids = recorded.get_span_context()
    # Without valid ids, OpenTelemetry is turned off.
    own = f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}" if ids.is_valid else parent
    shown = Span(own, recorded)
    shown.note(**attributes)
    token = _current.set(shown)
    try:
        yield shown
    except BaseException as error:
        shown.note(error__type=type(error).__name__)
        shown.fail(str(error))
        raise
    finally:
        _current.reset(token)
        recorded.end()
