"""Waiting for what must come true, and the settings that say how long that takes."""

import os
import time
from collections.abc import Callable

import psycopg
import redis

SHIPPED = os.environ.get("FAULTS_SETTINGS") == "shipped"

#: How long what has no time of its own is waited for.
PATIENCE_S = 180.0 if SHIPPED else 60.0


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Returns when the condition holds; fails after so many seconds. A server that is away is not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (psycopg.OperationalError, redis.ConnectionError):
            pass
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
