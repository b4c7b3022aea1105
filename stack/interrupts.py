"""Ctrl-C and SIGTERM as one exception, which never falls between a process's start and its registration."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_depth = 0
_pending = False


def raise_on_signals() -> None:
    """SIGINT and SIGTERM raise `KeyboardInterrupt` in the main thread from now on, or at the end of `held()`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


@contextmanager
def held() -> Iterator[None]:
    """Delays interrupts until the block has ended. Keep the block short."""
    global _depth, _pending  # noqa: PLW0603 - signals belong to the process, and so does this
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
