"""Regions of a page that stay fresh: the page again without its frame, and nothing if it is as the browser knows it."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import Response, current_app, make_response, render_template, request

T = TypeVar("T")

#: How long a snapshot serves further requests.
KEPT_S = 1.0


@dataclass(slots=True)
class _Kept:
    """A snapshot; `users` are the requests that have it or wait for it."""

    flight: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    made_at: float = -math.inf
    kept_s: float = 0.0
    value: Any = None
    failed_at: float = -math.inf
    error: Exception | None = None

    def is_old(self) -> bool:
        return time.monotonic() - self.made_at > self.kept_s


class Snapshots:
    """What pages show: concurrent requests share one reading, which is kept for a moment."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def get(self, name: str, read: Callable[[], T], kept_s: float | None = None) -> T:
        """The snapshot of that name; `read` makes it. What it raises, those get who waited for it, and nobody later."""
        asked_at = time.monotonic()
        with self._lock:
            self._forget()
            kept = self._kept.setdefault(name, _Kept())
            kept.users += 1
            kept.kept_s = KEPT_S if kept_s is None else kept_s
        try:
            with kept.flight:
                if kept.error is not None and asked_at < kept.failed_at:
                    raise kept.error
                if kept.is_old():
                    kept.error = None
                    try:
                        kept.value, kept.made_at = read(), time.monotonic()
                    except Exception as error:
                        kept.error, kept.failed_at = error, time.monotonic()
                        raise
                return cast(T, kept.value)
        finally:
            with self._lock:
                kept.users -= 1

    def _forget(self) -> None:
        """Drops what is old: names hold what readers filter by, and never end."""
        for name in [name for name, kept in self._kept.items() if not kept.users and kept.is_old()]:
            del self._kept[name]


def snapshot(name: str, read: Callable[[], T], kept_s: float | None = None) -> T:
    """The current process's snapshot of that name."""
    snapshots: Snapshots = current_app.extensions["snapshots"]
    return snapshots.get(name, read, kept_s)


def is_fragment() -> bool:
    """Whether htmx asks for the page's region alone."""
    return "HX-Request" in request.headers


def render_live(name: str, **values: Any) -> Response:
    """The page of `live/<name>.html`, or for htmx that region alone: 304 if it is what the browser has."""
    values["region"] = f"live/{name}.html"
    if not is_fragment():
        return make_response(render_template("live.html", **values))
    return make_lasting(make_response(render_template("live/region.html", **values)))


def make_lasting(response: Response) -> Response:
    """The answer with a tag: 304 if it is what the browser has."""
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response
