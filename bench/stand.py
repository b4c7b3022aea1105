"""The place where something is measured: servers that fsync, a migrated database, the API, and workers if asked for."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import redis
from psycopg import sql

from app.migrations import migrate
from bench.figures import BenchError
from stack.api import Api
from stack.examples import AUDIENCE
from stack.interrupts import held
from stack.postgres import PostgresServer
from stack.redis import RedisServer
from stack.scratch import scratch_folder
from stack.server import HOST, free_port
from stack.supervisor import Command, Supervisor
from stack.watchdog import watchdog
from stack.worker import ROOT, worker_commands

READY_S = 30.0
GRACE_S = 15.0

#: As good as none.
NO_LIMIT = 1_000_000

#: What may be tried out by setting it; everything else is measured as it ships, whatever the environment says.
TRIED = ("API_PROCESSES", "API_THREADS", "POOL_SIZE", "LOG_LEVEL")
PLAIN = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL")

#: Emptied between rounds. Courses stay: each is used once.
MOVING_TABLES = ("generations", "procrastinate_jobs", "system_metrics")


class Stand:
    """A context manager; whatever it started or wrote is gone when it is left."""

    def __init__(self, postgres: Mapping[str, str] | None = None) -> None:
        self.secret = secrets.token_hex(32)
        self._settings = postgres
        self._supervisors: list[Supervisor] = []
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with self._cleanup:
            self.folder = scratch_folder("course-bench-")
            self._cleanup.callback(watchdog.remove_folder, self.folder)
            server = PostgresServer(self.folder / "postgres", durable=True, settings=self._settings)
            self._cleanup.callback(server.stop)
            self.database_url = server.start().url
            cache = RedisServer(self.folder / "redis")
            self._cleanup.callback(cache.stop)
            self.redis_url = cache.start().url
            migrate(self.database_url)
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with held():
            self._cleanup.close()

    def start_api(self, **settings: str) -> int:
        """The API is ready under its production server; returns its port. The keywords replace settings."""
        port = free_port()
        environment = self.environment(PORT=str(port), **settings)
        log = self.folder / "api.log"
        self._run([Command("api", [sys.executable, "-m", "app.server"], environment, log)])
        api = Api(f"http://{HOST}:{port}")
        self.wait_until(api.ready, "the API was not ready", log)
        return port

    def start_workers(self, **settings: str) -> None:
        """The workers of one machine run and have told the database so. The keywords replace settings."""
        commands = worker_commands(2, self.environment(**settings), self.folder)
        self._run(commands)
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            count = "select count(*) from procrastinate_workers"
            self.wait_until(
                lambda: conn.execute(count).fetchone() == (len(commands),),
                "the workers did not start",
                self.folder / "worker.log",
            )

    def pid(self, name: str) -> int:
        """The process id of `api`, `worker` or `upkeep`. Raises `BenchError` where it doesn't run."""
        for supervisor in self._supervisors:
            if (pid := supervisor.pid(name)) is not None:
                return pid
        raise BenchError(f"{name} does not run")

    def environment(self, **settings: str) -> dict[str, str]:
        """What a process of the service is started with."""
        passed = {name: os.environ[name] for name in (*PLAIN, *TRIED) if name in os.environ}
        return passed | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "JWT_SECRET": self.secret,
            "JWT_AUDIENCE": AUDIENCE,
            "FILES_ROOT": str(self.folder),
            "GLOBAL_CONCURRENCY_LIMIT": str(NO_LIMIT),
            "HOST": HOST,
            "APP_ENV": "production",
            **settings,
        }

    def clear(self) -> None:
        """No generation, job or event is left, Redis is empty, and the next checkpoint is far away."""
        tables = sql.SQL(", ").join(map(sql.Identifier, MOVING_TABLES))
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute(sql.SQL("truncate {} cascade").format(tables))
            conn.execute("vacuum analyze courses")
            conn.execute("checkpoint")
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def wait_until(self, condition: Callable[[], bool], otherwise: str, log: Path) -> None:
        """Returns once the condition is true. Raises `BenchError` with the log's end when it isn't in time."""
        deadline = time.monotonic() + READY_S
        while not condition():
            if time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise BenchError(f"{otherwise} within {READY_S:.0f} s\n{said}")
            time.sleep(0.02)

    def _run(self, commands: list[Command]) -> None:
        supervisor = Supervisor(commands, grace_s=GRACE_S, cwd=ROOT)
        self._cleanup.callback(supervisor.stop)
        self._supervisors.append(supervisor)
        supervisor.start()
