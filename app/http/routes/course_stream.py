"""`GET /api/courses/<slug>/events`: a course's progress as server-sent events."""

import logging
import random
import time
from collections.abc import Generator, Iterator
from contextlib import suppress

from flask import Blueprint, Response, current_app, request

from app.auth.remote_keys import KeysUnavailable
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden, WatchEnded
from app.generation.progress.status import CourseStatus
from app.generation.progress.watch import View
from app.http.authentication import authenticate, identify
from app.http.error_responses import Unauthorized
from app.http.middleware.request_context import request_id
from app.http.routes.course_status import status_json
from app.http.routes.prometheus import current_counters
from app.services.current import current_services

#: How often a comment is sent, which keeps proxies from closing a silent stream.
HEARTBEAT_S = 15.0
#: How often the server gets a chance to notice that a client has disconnected.
PROBE_S = 2.0
#: Neither caches nor compressing proxies may hold events back: these read `no-transform`, and nginx reads the other.
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
#: The range of the delay, in milliseconds, after which a client reconnects; it differs for each client.
RETRY_MS = (1000, 3000)

#: The exceptions that end a stream before its generation is final.
ENDS = (CourseNotFound, Forbidden, Unauthorized, WatchEnded)

blueprint = Blueprint("events", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/api/courses/<slug>/events")
def follow(slug: str) -> Response:
    """Streams the course's state at once and after each change, until the generation is final.

    204 for a client that has seen the final state, so that its browser does not reconnect.
    """
    services = current_services()
    caller = authenticate()
    course = services.polls.read(caller, slug)
    seen = request.headers.get("Last-Event-ID", "")
    if course.is_final and seen == course.tag:
        return Response(status=204)
    response = Response(mimetype="text/event-stream", headers=HEADERS)
    if request.method != "HEAD":
        response.response = _Stream(services.watch.view(course, caller.user_id), caller, seen)
        response.direct_passthrough = True  # the server needs the object itself
    return response


class _Stream:
    """The events of one client: an iterable for WSGI, and what `app.server.asgi.Stream` describes.

    They are sent after the request has ended, so nothing here may use `request`. `seen` is the id of the last state
    that the client received, or empty.
    """

    def __init__(self, view: View, caller: Caller, seen: str) -> None:
        self._view = view
        self._streams = current_counters().streams
        self._caller = caller
        self._authorization = request.headers["Authorization"]
        self._ids = {"requestId": request_id.get(), "userId": str(caller.user_id), "courseId": str(view.course_id)}
        self._app_context = current_app.app_context
        self._lines = self._make_lines(seen)
        self._patience = PROBE_S
        self.on_change = view.on_change

    def __iter__(self) -> Iterator[bytes]:
        """The stream's bytes; empty ones let the server notice that the client has disconnected."""
        return self._lines

    def step(self) -> bytes | None:
        """What there is to send now, perhaps nothing; None at the end. Does not wait for a change."""
        self._patience = 0.0
        return next(self._lines, None)

    def close(self) -> None:
        """Makes room for another stream; a second call does nothing."""
        self._lines.close()
        self._view.close()  # also if nothing was sent

    def _make_lines(self, seen: str) -> Generator[bytes, None, None]:
        started = time.monotonic()
        reason = "error"
        self._streams.inc()
        try:
            yield f"retry: {random.randint(*RETRY_MS)}\n\n".encode()  # noqa: S311
            yield from self._events(seen)
            reason = "final"
        except ENDS as end:
            reason = type(end).__name__
        except GeneratorExit:
            reason = "client_gone"
            raise
        finally:
            self._view.close()
            self._streams.dec()
            seconds = round(time.monotonic() - started, 1)
            log.info("stream_ended", extra={**self._ids, "reason": reason, "seconds": seconds})

    def _events(self, seen: str) -> Iterator[bytes]:
        """Returns after the final state. Raises one of `ENDS`."""
        beat = time.monotonic() + HEARTBEAT_S
        while True:
            course = self._view.wait(min(self._patience, max(0.0, beat - time.monotonic())))
            if course is not None:
                tag, event = self._event(course)
                if tag != seen:
                    yield event
                seen = tag
                if course.is_final:
                    return
            elif time.monotonic() < beat:
                yield b""
            if time.monotonic() >= beat:
                beat += HEARTBEAT_S
                self._identify()
                yield b":\n\n"

    def _event(self, course: CourseStatus) -> tuple[str, bytes]:
        """The state's id and its event. Raises `Forbidden` if the caller has lost the course."""
        if not self._caller.may_access(course.user_id, course.organization_id):
            raise Forbidden
        with self._app_context():
            data = status_json(course)
        return (
            course.tag,
            f"id: {course.tag}\nevent: {'final' if course.is_final else 'progress'}\ndata: {data}\n\n".encode(),
        )

    def _identify(self) -> None:
        """Verifies the token again, unless its keys are unavailable. Raises `Unauthorized`."""
        with self._app_context(), suppress(KeysUnavailable):
            self._caller = identify(self._authorization)
