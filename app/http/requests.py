"""Around every request: its id, its deadline, its one log line."""

import logging
import re
import time
import uuid
from contextlib import ExitStack

from flask import Flask, Response, g, request

from app.deadline import deadline
from app.log import bind

#: The whole answer takes at most 5 s; what is left of it belongs to rendering and the way back.
DEADLINE_S = 4.5

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

log = logging.getLogger(__name__)


def register_requests(app: Flask) -> None:
    """Each request has `g.request_id`, bound to its log lines and echoed, and a deadline."""
    app.before_request(_begin)
    app.after_request(_answer)
    app.teardown_request(_end)


def _begin() -> None:
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if _REQUEST_ID.fullmatch(offered) else str(uuid.uuid4())
    g.started = time.perf_counter()
    g.context = ExitStack()
    g.context.enter_context(bind(requestId=g.request_id))
    g.context.enter_context(deadline(DEADLINE_S))


def _answer(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    log.info(
        "request",
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.started) * 1000, 1),
        },
    )
    return response


def _end(_: BaseException | None) -> None:
    context = g.pop("context", None)
    if context is not None:
        context.close()
