"""Streams under granian: each is iterated by a thread of its own, and all end when their process is told to stop.

granian iterates an answer in the thread that called the application. There are as many of those as requests may be
served at once, and a stream would hold one for as long as its client listens. Its asynchronous interface has no such
limit, but makes every other request dearer (docs/architecture.md); so what granian gives an application to answer
with is wrapped instead. That is no promise of its authors: its version is pinned, and tests open more streams than
there are threads.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from granian.server import mp

#: The header by which a stream is known, as Flask writes it.
EVENT_STREAM = ("Content-Type", "text/event-stream; charset=utf-8")

Headers = Sequence[tuple[str, str]]

_wrap_call: Callable[..., Any] = mp._wsgi_call_wrap  # type: ignore[attr-defined]


class _Body(Protocol):
    def close(self) -> None: ...


def set_streams_apart() -> None:
    """Server processes started from now on hold no thread of theirs for a stream, and end their streams themselves."""
    mp._wsgi_call_wrap = _wrap_call_apart  # type: ignore[attr-defined, assignment]


def _wrap_call_apart(application: Any, scope_options: Mapping[str, Any], access_log_format: str | None = None) -> Any:
    """What granian makes of an application, once in each process, in its main thread, before it serves."""
    call = _wrap_call(application, scope_options, access_log_format)
    _at_signal(application.extensions["services"].watch.close)
    return lambda protocol, scope: call(_Apart(protocol), scope)


class _Apart:
    """granian's way to answer one request, with streams on threads of their own."""

    __slots__ = ("_protocol", "response_bytes")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self.response_bytes = protocol.response_bytes

    def response_iter(self, status: int, headers: Headers, body: _Body) -> None:
        if EVENT_STREAM not in headers:
            self._protocol.response_iter(status, headers, body)
            return
        answer = threading.Thread(
            target=self._protocol.response_iter, args=(status, headers, body), name="stream", daemon=True
        )
        try:
            answer.start()
        except RuntimeError:  # no thread to be had
            body.close()
            raise


def _at_signal(act: Callable[[], None]) -> None:
    """`act` runs, in a thread of its own, when this process is told to stop. To be called in the main thread.

    granian waits for open answers before it lets the process end, and its own handlers of these signals are set later
    than this and tell nobody; the descriptor is written to whoever handles them.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def wait() -> None:
        while not _ends(os.read(reading, 64)):
            pass
        act()

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _ends(signals: Iterable[int]) -> bool:
    return any(number in (signal.SIGTERM, signal.SIGINT) for number in signals)
