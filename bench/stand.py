"""The place where something is measured: servers that fsync, a migrated database, the API, and workers if asked for."""

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import psycopg
import redis
from psycopg import sql

from app.auth.minting import AUDIENCE
from app.database.migrations import migrate
from bench.figures import BenchError
from bench.waiting import wait_until
from stack.api import Api
from stack.interrupts import held
from stack.postgres import PostgresServer
from stack.redis import RedisServer
from stack.scratch import remove_folder, scratch_folder
from stack.server import HOST, free_port
from tasks.supervision.supervisor import Command, Supervisor
from tasks.supervision.workers import ROOT, worker_commands

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
            self._cleanup.callback(remove_folder, self.folder)
            self.postgres = PostgresServer(self.folder / "postgres", durable=True, settings=self._settings)
            self._cleanup.callback(self.postgres.stop)
            self.database_url = self.postgres.start().url
            self.redis = RedisServer(self.folder / "redis")
            self._cleanup.callback(self.redis.stop)
            self.redis_url = self.redis.start().url
            migrate(self.database_url)
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with held():
            self._cleanup.close()

    def start_api(self, name: str = "api", **settings: str) -> int:
        """The API is ready under its production server; returns its port. The keywords replace settings."""
        return self.serve(name, [sys.executable, "-m", "app.server"], **settings)

    def serve(self, name: str, argv: Sequence[str], **settings: str) -> int:
        """The command serves HTTP on the port of its environment, and says so under `/readyz`; returns the port."""
        port = free_port()
        environment = self.environment(PORT=str(port), **settings)
        self.start(Command(name, argv, environment, self.folder / f"{name}.log"))
        self.wait_until(Api(f"http://{HOST}:{port}").ready, name)
        return port

    def start_workers(self, **settings: str) -> None:
        """The workers of one machine run and have told the database so. The keywords replace settings."""
        environment = {"WORKER_CONCURRENCY": "2"} | self.environment(**settings)
        commands = worker_commands(int(environment["WORKER_CONCURRENCY"]), environment, self.folder)
        self.start(*commands)
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            count = "select count(*) from procrastinate_workers"
            self.wait_until(lambda: conn.execute(count).fetchone() == (len(commands),), "worker")

    def start(self, *commands: Command) -> None:
        """The commands run until the stand is left."""
        supervisor = Supervisor(commands, grace_s=GRACE_S, cwd=ROOT)
        self._cleanup.callback(supervisor.stop)
        self._supervisors.append(supervisor)
        with held():
            supervisor.start()

    def trees(self, name: str) -> dict[str, int]:
        """The process ids of the command of this name and of both servers, each with what it is called."""
        assert self.postgres.pid is not None
        assert self.redis.pid is not None
        return {"server": self.pid(name), "PostgreSQL": self.postgres.pid, "Redis": self.redis.pid}

    def pid(self, name: str) -> int:
        """The process id of `api`, `worker`, `upkeep` or `webhooks`. Raises `BenchError` where it doesn't run."""
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

    def wait_until(self, condition: Callable[[], bool], name: str) -> None:
        """Returns once the condition is true. Raises `BenchError` with the end of that command's log after 30 s."""
        log = self.folder / f"{name}.log"
        try:
            wait_until(condition, READY_S, f"{name} was not ready")
        except BenchError as error:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise BenchError(f"{error}\n{said}") from error
