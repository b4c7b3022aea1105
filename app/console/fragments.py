"""Regions of a page that stay fresh: the page again without its frame, and nothing if it is as the browser knows it."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response, current_app, make_response, render_template, request

T = TypeVar("T")

#: How long a snapshot serves further requests.
KEPT_S = 1.0


class Snapshots:
    """What pages show, read once for all who ask at the same time, and kept for `KEPT_S`."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}
        self._flights: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, read: Callable[[], T]) -> T:
        """The snapshot of that name; `read` makes it. What it raises is not kept."""
        with self._lock:
            flight = self._flights.setdefault(name, threading.Lock())
        with flight:
            made_at, value = self._kept.get(name, (0.0, None))
            if time.monotonic() - made_at > KEPT_S:
                value = read()
                self._kept[name] = time.monotonic(), value
        return cast(T, value)


def snapshot(name: str, read: Callable[[], T]) -> T:
    """The current process's snapshot of that name."""
    snapshots: Snapshots = current_app.extensions["snapshots"]
    return snapshots.get(name, read)


def render_live(name: str, **values: Any) -> Response:
    """The page of `live/<name>.html`, or for htmx that region alone: 304 if it is what the browser has."""
    values["region"] = f"live/{name}.html"
    if "HX-Request" not in request.headers:
        return make_response(render_template("live.html", **values))
    response = make_response(render_template("live/region.html", **values))
    response.add_etag()
    response.make_conditional(request)
    return response
