"""The root logger, given back as it was."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logging_restored() -> Iterator[None]:
    """Restores the root logger after the block."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.flush()  # the lines are written in the background
            if handler not in handlers:
                handler.close()
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)
