"""The whole service with servers of its own, supervised as in production.

Its clocks run about ten times as fast, so that many faults fit into a few minutes. `make faults` lets them run as
they ship, and writes what it measured into `docs/reliability.md`.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from stack.examples import OwnedCourse, create_course
from stack.services import Stack

SHIPPED = os.environ.get("FAULTS_SETTINGS") == "shipped"

FAST = {
    "HEARTBEAT_S": "0.5",
    "STALLED_S": "3",
    "UPKEEP_S": "1",
    "RETRY_BACKOFF_S": "0.2",
}
#: Room for a crowd; no promise's time depends on it.
SIZES = {"GLOBAL_CONCURRENCY_LIMIT": "20", "WORKER_CONCURRENCY": "2"}

#: How long what has no time of its own is waited for.
PATIENCE_S = 180.0 if SHIPPED else 60.0
#: How long what is away or frozen stays so.
AWAY_S = 45.0 if SHIPPED else 3.0
FROZEN_S = 60.0 if SHIPPED else 5.0


class Measure:
    """Records how long what is promised took: for the table of `make faults`. Longer than promised fails the test."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    @contextmanager
    def __call__(self, what: str, within: float | None = None) -> Iterator[None]:
        """The block's length; `within` is the promise, in seconds, whatever the settings."""
        began = time.monotonic()
        yield
        self.record(what, time.monotonic() - began, within)

    def record(self, what: str, seconds: float, within: float | None = None) -> None:
        """So many seconds were measured elsewhere; of several the longest counts."""
        self._properties.append(("measured", (what, seconds, within)))
        assert within is None or seconds <= within, f"{what}: {seconds:.1f} s, promised {within:g} s"


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    return Measure(request.node.user_properties)


class House:
    """The running service, and the ways to hurt it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.postgres, self.redis = stack.servers

    def course(self, tier: str = "PREMIUM") -> OwnedCourse:
        return create_course(self.stack.database_url, self.stack.secret, tier)

    def generate(self, course: OwnedCourse) -> tuple[int, float]:
        """The status of the answer, 0 if there was none, and how long it took."""
        began = time.monotonic()
        try:
            status, _ = self.stack.api.call(
                "POST", "/api/coursegen/generate", course.token, {"courseId": str(course.id)}
            )
        except (OSError, HTTPException, ValueError):
            status = 0
        return status, time.monotonic() - began

    def generate_all(self, courses: list[OwnedCourse], threads: int = 8) -> list[tuple[int, float]]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.generate, courses))

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.stack.database_url, row_factory=dict_row) as conn:
            return conn.execute(query).fetchall()

    def active(self) -> int:
        return len(self.rows("select 1 from generations where status in ('queued', 'running')"))

    def statuses(self) -> dict[str, int]:
        found = self.rows("select status::text, count(*) as n from generations group by 1")
        return {row["status"]: row["n"] for row in found}

    def process(self, name: str) -> int:
        found: list[int] = []

        def running() -> bool:
            pid = self.stack.supervisor.pid(name)
            found[:] = [pid] if pid is not None else []
            return bool(found)

        wait_until(running)
        return found[0]

    @contextmanager
    def frozen(self, pid: int) -> Iterator[None]:
        """The process and all it started stand still for the length of the block."""
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in family:
                if process.is_running():
                    process.send_signal(signal.SIGCONT)

    def consistent(self) -> bool:
        """Every generation and its started course, results once a stage, nothing held that is final."""
        twice = self.rows("select 1 from generation_drafts group by generation_id, lesson_number having count(*) > 1")
        strangers = self.rows(
            "select 1 from courses where status is not null and not exists"
            " (select from generations where course_id = courses.id)"
        )
        jobless = self.rows(
            "select 1 from generations g where status = 'queued' and not exists"
            " (select from procrastinate_jobs where args ->> 'generation_id' = g.id::text)"
        )
        return not twice and not strangers and not jobless


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in FAST:
        monkeypatch.delenv(name, raising=False)
    for name, value in (SIZES if SHIPPED else SIZES | FAST).items():
        monkeypatch.setenv(name, value)
    with Stack() as stack:
        done = threading.Event()

        def supervise() -> None:
            while not done.wait(0.1):
                stack.supervisor.tend()

        supervisor = threading.Thread(target=supervise)
        supervisor.start()
        try:
            yield House(stack)
        finally:
            done.set()
            supervisor.join()


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Returns when the condition holds; fails after so many seconds. A server that is away is not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except psycopg.OperationalError:
            pass
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
