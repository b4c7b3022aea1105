"""Where a benchmark runs: servers that fsync, a migrated database, APIs and workers."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import psycopg
import redis

from app.auth.minting import AUDIENCE
from app.database.migrations import migrate
from bench.environment.conditions import wait_until
from bench.environment.statements import SQL
from bench.reporting.figures import BenchError
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

#: High enough to refuse nothing.
NO_LIMIT = 1_000_000

#: Settings that the environment may change; all others are measured as they ship.
TRIED = ("API_PROCESSES", "API_THREADS", "API_AFFINITY", "POOL_SIZE", "LOG_LEVEL")
PLAIN = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL")


class Stand:
    """A context manager; on exit everything that it started is stopped and all files are removed."""

    def __init__(
        self, postgres: Mapping[str, str] | None = None, prepare: Callable[[str], None] = lambda url: None
    ) -> None:
        """`postgres`: settings of the server. `prepare` is called with the database's URL before it is migrated."""
        self.secret = secrets.token_hex(32)
        self._settings = postgres
        self._prepare = prepare
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
            self._prepare(self.database_url)
            migrate(self.database_url)
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with held():
            self._cleanup.close()

    def start_api(self, name: str = "api", **settings: str) -> int:
        """Returns the port of an API that is ready, under its production server. The keywords replace settings."""
        return self.serve(name, [sys.executable, "-m", "app.server"], **settings)

    def serve(self, name: str, argv: Sequence[str], **settings: str) -> int:
        """Returns the port on which the command serves HTTP; its `/readyz` has answered.

        The command finds the port in `PORT`, and in place of `{port}` in its arguments.
        """
        port = free_port()
        argv = [part.replace("{port}", str(port)) for part in argv]
        environment = self.environment(PORT=str(port), **settings)
        self.start(Command(name, argv, environment, self.folder / f"{name}.log"))
        self.wait_until(Api(f"http://{HOST}:{port}").ready, name)
        return port

    def start_workers(self, **settings: str) -> None:
        """The workers of one machine run and have registered. The keywords replace settings."""
        environment = {"WORKER_CONCURRENCY": "2"} | self.environment(**settings)
        commands = worker_commands(environment, self.folder)
        self.start(*commands)
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            self.wait_until(lambda: conn.execute(SQL["count_workers"]).fetchone() == (len(commands),), "worker")

    def start(self, *commands: Command) -> Supervisor:
        """Runs the commands until the supervisor is stopped, or the stand is left."""
        supervisor = Supervisor(commands, grace_s=GRACE_S, cwd=ROOT)
        self._cleanup.callback(supervisor.stop)
        self._supervisors.append(supervisor)
        with held():
            supervisor.start()
        return supervisor

    def run(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Runs a command to its end. Raises `BenchError` when it fails."""
        done = subprocess.run(
            argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=READY_S, check=False
        )
        if done.returncode:
            raise BenchError(f"{' '.join(argv[:3])} failed: {(done.stdout + done.stderr).strip()[-2000:]}")

    def trees(self, name: str) -> dict[str, int]:
        """Process ids of the command of this name and of both servers, by what figures call them."""
        assert self.postgres.pid is not None
        assert self.redis.pid is not None
        return {"server": self.pid(name), "PostgreSQL": self.postgres.pid, "Redis": self.redis.pid}

    def pid(self, name: str) -> int:
        """The process id of the command of this name. Raises `BenchError` unless it runs."""
        for supervisor in self._supervisors:
            if (pid := supervisor.pid(name)) is not None:
                return pid
        raise BenchError(f"{name} does not run")

    def environment(self, **settings: str) -> dict[str, str]:
        """Environment variables of a process of the service."""
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
        """Removes generations, jobs and events, empties Redis, and makes a checkpoint."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute(SQL["empty_tables"])
            conn.execute(SQL["vacuum_courses"])
            conn.execute("checkpoint")
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def wait_until(self, condition: Callable[[], bool], name: str) -> None:
        """Returns once the condition is true. Raises `BenchError` with the end of the command's log after 30 s."""
        log = self.folder / f"{name}.log"
        try:
            wait_until(condition, READY_S, f"{name} was not ready")
        except BenchError as error:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise BenchError(f"{error}\n{said}") from error
