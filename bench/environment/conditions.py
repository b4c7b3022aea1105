"""Conditions that are polled until they are true."""

import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from bench.environment.statements import SQL
from bench.reporting.figures import BenchError


def wait_until(condition: Callable[[], bool], within_s: float, what: str, tick_s: float = 0.02) -> None:
    """Returns once the condition is true; looks every `tick_s`. Raises `BenchError` with `what` after `within_s`."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"{what} within {within_s:.0f} s")
        time.sleep(tick_s)


def nothing_is_active(conn: Connection[Any]) -> bool:
    """Whether every generation is final."""
    return conn.execute(SQL["find_active"]).fetchone() is None
