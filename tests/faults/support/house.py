"""The whole service with servers of its own, supervised as in production, and the ways to hurt it."""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from typing import Any, Self
from uuid import uuid4

import psycopg
import redis
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from app.auth.minting import AUDIENCE, mint_token
from app.database.migrations import migrate
from stack.api import Api
from stack.examples import FILES, OwnedCourse
from stack.postgres import PostgresServer
from stack.redis import RedisServer
from stack.scratch import remove_folder, scratch_folder
from stack.server import HOST, free_port
from stack.soak.checks import DISAGREEING, JOBS, STAGES, TWICE
from tests.faults.support.processes import Processes
from tests.faults.support.waiting import SHIPPED, wait_until

#: As shipped, about ten times as fast.
FAST = {
    "HEARTBEAT_S": "0.5",
    "STALLED_S": "3",
    "UPKEEP_S": "1",
    "RETRY_BACKOFF_S": "0.2",
    "SHUTDOWN_GRACE_S": "3",
}
GRACE_S = 10.0 if SHIPPED else float(FAST["SHUTDOWN_GRACE_S"])

LIMIT = 20
#: Room for a crowd; no promise's time depends on it.
SIZES = {"GLOBAL_CONCURRENCY_LIMIT": str(LIMIT), "WORKER_CONCURRENCY": "2"}
HANDLERS = {"HANDLER_TEXT_GENERATION": "tests.faults.support.handlers.drafts"}

#: Settings that would make the service refuse our tokens or leave our servers.
FOREIGN = ("JWT_ISSUER", "JWT_JWKS_URL", "TIER_CLAIMS", *FAST)

INSERT = """
    insert into courses
        (user_id, title, slug, language, course_description, estimated_sections, estimated_lessons, generation_progress)
    values (%s, 'Небольшой курс', %s, 'ru', %s, 1, 2, %s)
    returning id
"""
EMPTY = """
    truncate courses, system_metrics cascade;
    delete from procrastinate_jobs where queue_name = 'stages'
"""
NOW = "select clock_timestamp() as now"
ALIVE = "select 1 from procrastinate_workers where last_heartbeat > %s"


class House:
    """The running service, from `start()` to `stop()`; `reset()` makes it as new for the next test."""

    processes: Processes

    def __init__(self, postgres: PostgresServer | None = None) -> None:
        self._cleanup = ExitStack()
        self.folder = scratch_folder("course-faults-")
        self._cleanup.callback(remove_folder, self.folder)
        self.postgres = postgres or PostgresServer(self.folder / "postgres", durable=True)
        self.redis = RedisServer(self.folder / "redis")
        self.api = Api(f"http://{HOST}:{free_port()}")
        self._secret = secrets.token_hex(32)
        self._opening = threading.Lock()
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def start(self) -> Self:
        """All of it runs on a migrated database, and answers."""
        with self._cleanup:
            self._cleanup.callback(self.postgres.stop)
            self._cleanup.callback(self.redis.stop)
            self.database_url, self.redis_url = self.postgres.start().url, self.redis.start().url
            migrate(self.database_url)
            self.processes = Processes(self.folder, self._settings())
            self._cleanup.callback(self.processes.stop)
            self.processes.start()
            self.wait_well()
            self._cleanup = self._cleanup.pop_all()
        return self

    def stop(self) -> None:
        """Nothing of it is left."""
        if self._connection is not None:
            self._connection.close()
        self._cleanup.close()

    def reset(self) -> None:
        """The servers and the usual processes run with the usual settings, on empty tables."""
        self.postgres.start()
        self.redis.start()
        self.processes.reset()
        self.wait_well()
        self._execute(EMPTY)
        with self.redis_client() as client:
            client.flushall()

    def wait_well(self) -> None:
        """The API is ready and as many workers as should be give signs of life from now on."""
        wait_until(self.healthy)
        [row] = self.rows(NOW)
        wait_until(lambda: len(self.rows(ALIVE, row["now"])) >= len(self.processes) - 1)

    # Courses and requests

    def course(self, tier: str = "PREMIUM", doing: str = "") -> OwnedCourse:
        """A new small course of a user of its own; `doing` instructs the handler of its texts, see `handlers.py`."""
        user_id, slug = uuid4(), f"fault-{uuid4()}"
        [row] = self.rows(INSERT, user_id, slug, doing, Jsonb({}))
        return OwnedCourse(row["id"], slug, slug, user_id, mint_token(self._secret, user_id, tier))

    def courses(self, number: int, doing: str = "") -> list[OwnedCourse]:
        return [self.course(doing=doing) for _ in range(number)]

    def ask(self, method: str, path: str, token: str, body: object = None) -> tuple[int, float]:
        """The status of the answer, 0 if there was none, and how long it took."""
        began = time.monotonic()
        try:
            status, _ = self.api.call(method, path, token, body)
        except (OSError, HTTPException, ValueError):
            status = 0
        return status, time.monotonic() - began

    def generate(self, course: OwnedCourse) -> tuple[int, float]:
        return self.ask("POST", "/api/coursegen/generate", course.token, {"courseId": str(course.id)})

    def generate_all(self, courses: list[OwnedCourse], threads: int = 8) -> list[tuple[int, float]]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.generate, courses))

    def admit(self, courses: list[OwnedCourse]) -> None:
        """All of them are admitted."""
        assert {status for status, _ in self.generate_all(courses)} == {200}

    def cancel(self, course: OwnedCourse) -> tuple[int, float]:
        return self.ask("POST", f"/api/courses/{course.slug}/cancel", course.token)

    # What is to be seen

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What the statement returns, over one connection that all threads share."""
        with self._opening:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(
                    self.database_url, autocommit=True, connect_timeout=3, row_factory=dict_row, prepare_threshold=None
                )
        return self._connection.execute(query, values).fetchall()

    @contextmanager
    def changed(self, change: str, back: str) -> Iterator[None]:
        """The database's schema is another for the length of the block."""
        self._execute(change)
        try:
            yield
        finally:
            self._execute(back)

    def active(self) -> int:
        return len(self.rows("select 1 from coursegen.generations where status in ('queued', 'running')"))

    def statuses(self) -> dict[str, int]:
        found = self.rows("select status::text, count(*) as n from coursegen.generations group by 1")
        return {row["status"]: row["n"] for row in found}

    def proposed(self) -> int:
        """How many slots are held according to Redis."""
        with self.redis_client() as client:
            return int(client.zcard("concurrency:global"))

    def redis_client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.redis_url, socket_timeout=2)

    def healthy(self) -> bool:
        """Every process of the API is ready: whichever of them is asked."""
        return all(self.api.ready() for _ in range(10))

    def serves(self) -> bool:
        """A new generation is admitted and completed."""
        course = self.course()
        if self.generate(course)[0] != 200:
            return False
        wait_until(lambda: self.rows("select 1 from courses where id = %s and status = 'completed'", course.id))
        return True

    def half_done(self) -> list[dict[str, Any]]:
        """Courses started without a generation, and generations queued without a job."""
        return self.rows(
            "select 'course without generation' as what, id from courses where status is not null and not exists"
            " (select from coursegen.generations where course_id = courses.id)"
            " union all select 'generation without job', id from coursegen.generations g where status ="
            " 'queued' and not exists"
            " (select from procrastinate_jobs where args ->> 'generation_id' = g.id::text)"
        )

    def settle(self) -> None:
        """All is final, once, and nothing is left: no job of a stage, no slot, no course that says something else."""
        wait_until(lambda: self.active() == 0)
        wait_until(lambda: not self.rows(JOBS))
        wait_until(lambda: self.proposed() == 0, seconds=20)
        for violation in (STAGES, TWICE, DISAGREEING):
            assert self.rows(violation) == []

    def _execute(self, statements: str) -> None:
        """All of them in one transaction, tried again where it meets those of the service in a deadlock."""

        def execute() -> bool:
            with psycopg.connect(self.database_url) as conn:
                conn.execute("set local lock_timeout = '5s'")
                conn.execute(statements)
            return True

        wait_until(execute)

    def _settings(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in FOREIGN} | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "JWT_SECRET": self._secret,
            "JWT_AUDIENCE": AUDIENCE,
            "FILES_ROOT": str(FILES),
            "HOST": HOST,
            "PORT": self.api.url.rpartition(":")[2],
            "PYTHONUNBUFFERED": "1",
            # What a process that is killed leaves behind goes with the folder.
            "TMPDIR": str(self.folder),
            **SIZES,
            **HANDLERS,
            **({} if SHIPPED else FAST),
        }
