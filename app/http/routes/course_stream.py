"""`GET /api/courses/<slug>/events`: a course's progress as server-sent events."""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Flask, Response, current_app, request

from app.auth.remote_keys import KeysUnavailable
from app.current import current_services
from app.generation.callers import Caller
from app.generation.errors import CourseNotFound, Forbidden, WatchEnded
from app.generation.progress.status import CourseStatus, read_status
from app.generation.progress.watch import View
from app.http.authentication import authenticate, identify
from app.http.error_responses import Unauthorized
from app.http.middleware.request_context import request_id
from app.http.routes.course_status import status_json, status_tag
from app.http.routes.prometheus import current_counters

#: After so long without an event a comment is sent, which keeps proxies from hanging up.
HEARTBEAT_S = 15.0
#: How often the server is made to notice that a client has gone away.
PROBE_S = 2.0
#: When a client whose stream broke comes back, in milliseconds; spread, so that they don't come together.
RETRY_MS = (1000, 3000)

#: Why a stream ends before its generation does.
ENDS = (CourseNotFound, Forbidden, Unauthorized, WatchEnded)

blueprint = Blueprint("events", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/api/courses/<slug>/events")
def follow(slug: str) -> Response:
    """The course's state at once, then each change of it, until the generation is final.

    204 for a client that has seen the final state: a browser then comes back no more.
    """
    services = current_services()
    caller = authenticate()
    course = read_status(services.db, caller, slug, services.settings.stalled_s)
    seen = request.headers.get("Last-Event-ID", "")
    if course.final and seen == status_tag(course):
        return Response(status=204)
    response = Response(mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    if request.method != "HEAD":
        view = services.watch.view(course)
        response.call_on_close(view.close)
        response.response = _Stream(view, caller).lines(seen)
    return response


class _Stream:
    """What one client is sent, long after its request is over: nothing here may ask for the request."""

    def __init__(self, view: View, caller: Caller) -> None:
        self._view = view
        self._streams = current_counters().streams
        self._caller = caller
        self._authorization = request.headers["Authorization"]
        self._ids = {"requestId": request_id.get(), "userId": str(caller.user_id), "courseId": str(view.course_id)}
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def lines(self, seen: str) -> Iterator[bytes]:
        """The stream's bytes; some are empty, for the server to find out whether anybody listens still.

        `seen`: the id of the state the client has, if it has one.
        """
        began = time.monotonic()
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
            seconds = round(time.monotonic() - began, 1)
            log.info("stream_ended", extra={**self._ids, "reason": reason, "seconds": seconds})

    def _events(self, seen: str) -> Iterator[bytes]:
        """Returns after the final state. Raises one of `ENDS`."""
        beat = time.monotonic() + HEARTBEAT_S
        while True:
            course = self._view.wait(min(PROBE_S, max(0.0, beat - time.monotonic())))
            if course is not None:
                tag, event = self._event(course)
                if tag != seen:
                    yield event
                seen = tag
                if course.final:
                    return
            elif time.monotonic() < beat:
                yield b""
            if time.monotonic() >= beat:
                beat += HEARTBEAT_S
                self._identify()
                yield b":\n\n"

    def _event(self, course: CourseStatus) -> tuple[str, bytes]:
        """The state's id and its event. Raises `Forbidden` for a course that was given away."""
        if course.user_id != self._caller.user_id and not self._caller.is_admin:
            raise Forbidden
        with self._app.app_context():
            tag, data = status_tag(course), status_json(course)
        return tag, f"id: {tag}\nevent: {'final' if course.final else 'progress'}\ndata: {data}\n\n".encode()

    def _identify(self) -> None:
        """The token is still good, as far as that can be told. Raises `Unauthorized`."""
        with self._app.app_context(), suppress(KeysUnavailable):
            self._caller = identify(self._authorization)
