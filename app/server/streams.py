"""Event streams under granian: each runs in a thread of its own, and all end when their process stops.

granian iterates a response in the thread that called the application. A stream would hold one of these few threads for
as long as its client listens. The private name used here is recorded in
docs/decisions/2026-11-29-streams-without-threads.md.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from granian.server import mp

#: The header that marks a stream, as Flask writes it.
EVENT_STREAM = ("Content-Type", "text/event-stream; charset=utf-8")
ENDS = frozenset({signal.SIGTERM, signal.SIGINT})

_wrap_call: Callable[..., Any] = mp._wsgi_call_wrap  # type: ignore[attr-defined]


def move_streams_to_threads() -> None:
    """Server processes started from now on run each stream in a thread of its own, and end all streams at SIGTERM."""
    mp._wsgi_call_wrap = _wrap_application  # type: ignore[attr-defined, assignment]


def _wrap_application(application: Any, scope_options: Mapping[str, Any], access_log_format: str | None = None) -> Any:
    """Replaces granian's function, which is called once in each process, in its main thread, before it serves."""
    call = _wrap_call(application, scope_options, access_log_format)
    _call_at_signal(application.extensions["services"].watch.close)

    def respond(protocol: Any, scope: Any) -> Any:
        send = partial(_send, protocol.response_iter)
        return call(SimpleNamespace(response_bytes=protocol.response_bytes, response_iter=send), scope)

    return respond


def _send(send: Callable[..., None], status: int, headers: Sequence[tuple[str, str]], body: Any) -> None:
    """Sends a response by granian's function, a stream in a thread."""
    if EVENT_STREAM not in headers:
        send(status, headers, body)
        return
    thread = threading.Thread(target=send, args=(status, headers, body), name="stream", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system has no more threads
        body.close()
        raise


def _call_at_signal(callback: Callable[[], None]) -> None:
    """Calls the function in a thread when this process gets SIGTERM or SIGINT. Call this in the main thread.

    granian waits for open responses before a process ends, and sets its own signal handlers after this. The wake-up
    descriptor is written to whichever handlers are set.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def wait() -> None:
        while not ENDS.intersection(os.read(reading, 64)):
            pass
        callback()

    threading.Thread(target=wait, name="signals", daemon=True).start()
