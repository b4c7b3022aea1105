"""Ctrl-C and SIGTERM as one exception, which never falls between a process's start and its registration."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_depth = 0
_pending = False


def raise_on_signals() -> None:
    """From now on SIGINT and SIGTERM raise `KeyboardInterrupt` in the main thread, inside `held()` at its end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


@contextmanager
def held() -> Iterator[None]:
    """What is inside is done wholly or not begun; an interrupt waits for its end. Keep it short."""
    global _depth, _pending  # noqa: PLW0603 - signals are the process's, and so is this
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _pending and not _depth:
            _pending = False
            raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _pending  # noqa: PLW0603
    if not _depth:
        raise KeyboardInterrupt
    _pending = True
