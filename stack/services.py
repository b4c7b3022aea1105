"""The whole service on this machine: its servers, the API and the workers, in one temporary folder."""

import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self

from app.auth.minting import AUDIENCE
from app.settings import Settings
from stack.api import Api
from stack.examples import FILES
from stack.interrupts import held
from stack.postgres import PostgresServer
from stack.redis import RedisServer
from stack.scratch import remove_folder, scratch_folder
from stack.server import HOST, Server, ServerStartError, free_port
from tasks.supervision.supervisor import Command, Death, Supervisor
from tasks.supervision.watchdog import kill_group, watchdog
from tasks.supervision.workers import ROOT, worker_commands

READY_S = 60.0
GRACE_S = 10.0
TAIL_LINES = 20
#: Between checks of whether a process answers, or lives.
TICK_S = 0.1

#: Settings that would make the service refuse the tokens we mint.
AUTHENTICATION = ("JWT_ISSUER", "JWT_JWKS_URL", "TIER_CLAIMS")


#: Hosts that webhooks may be sent to besides public ones: this machine.
LOOPBACK = "127.0.0.1:*,localhost:*,[::1]:*"


class StackError(Exception):
    """A part of the stack failed. `tails` has the last lines of its logs."""

    def __init__(self, message: str, *logs: Path) -> None:
        self.tails = "\n".join(_tail(log) for log in logs)
        super().__init__(message)


class Stack:
    """PostgreSQL and Redis, unless `DATABASE_URL` and `REDIS_URL` name others, a migrated database, API and workers.

    With `console_port` the console runs, too. The folder `files` holds a copy of the example's documents. As a context
    manager it is started on entry and leaves no process and no file behind, however it is left.
    """

    def __init__(self, port: int | None = None, console_port: int | None = None) -> None:
        self.secret = secrets.token_hex(32)
        self.webhook_secret = os.environ.get("WEBHOOK_SECRET") or f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
        self.api = Api(f"http://{HOST}:{port or free_port()}")
        self.console = Api(f"http://{HOST}:{console_port}") if console_port else None
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.redis_url = os.environ.get("REDIS_URL", "")
        self.servers: list[Server] = []
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with self._cleanup:
            self._start()
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with held():
            self._cleanup.close()

    def tend(self) -> list[str]:
        """What died since the last call, in words. The dead are back, or will be after a moment."""
        found = []
        for server in self.servers:
            if server.pid is None:
                found.append(f"{server.name} died")
                server.start()
        found += [f"{death.name} died (exit code {death.code})" for death in self.tend_processes()]
        return found

    def tend_processes(self) -> list[Death]:
        """The API and workers that died since the last call. They run again after their backoff."""
        with held():
            return self.supervisor.tend()

    def check(self) -> None:
        """Nothing died since the last call. Raises `StackError` when something did."""
        for death in self.tend_processes():
            raise StackError(f"{death.name} ended (exit code {death.code})", self.log(death.name))
        for server in self.servers:
            if server.pid is None:
                raise StackError(f"{server.name} ended", server.log)

    def log(self, name: str) -> Path:
        """The file with the output of a process: `migrate`, `api`, `worker`, `upkeep`, `webhooks` or `console`."""
        return self.folder / f"{name}.log"

    def _start(self) -> None:
        self.folder = scratch_folder("course-stack-")
        self._cleanup.callback(remove_folder, self.folder)
        try:
            if not self.database_url:
                server = PostgresServer(self.folder / "postgres", durable=True)
                self.database_url = self._keep(server).url
            if not self.redis_url:
                self.redis_url = self._keep(RedisServer(self.folder / "redis")).url
        except ServerStartError as error:
            raise StackError(str(error)) from error
        self.files = shutil.copytree(FILES, self.folder / "files")
        self._write_env_file()
        self._migrate(self._migration())
        self.supervisor = Supervisor(self._processes(), grace_s=GRACE_S, cwd=ROOT)
        self._cleanup.callback(self.supervisor.stop)
        with held():
            self.supervisor.start()
        self._wait_ready()

    def _write_env_file(self) -> None:
        """The settings of the processes are in `env_file`, for commands by hand; only our user reads it."""
        self.env_file = self.folder / "env"
        self.env_file.touch(0o600)
        ours = {setting.name.upper() for setting in fields(Settings)}
        values = {
            name: value
            for name, value in self.environment().items()
            if name in ours or name.startswith(("HANDLER_", "STAGE_", "BUDGET_"))
        }
        self.env_file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))

    def _keep(self, server: Server) -> Server:
        self._cleanup.callback(server.stop)
        self.servers.append(server.start())
        return server

    def _migration(self) -> Command:
        """What migrates the database."""
        migrate = [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"]
        return Command("migrate", migrate, self.environment(), self.log("migrate"))

    def _processes(self) -> list[Command]:
        """The API, the workers and perhaps the console."""
        environment = self.environment()
        console = Command("console", [sys.executable, "-m", "coursegen", "console"], environment, self.log("console"))
        return [
            Command("api", [sys.executable, "-m", "app.server"], environment, self.log("api")),
            *worker_commands(environment, self.folder),
            *([console] if self.console else []),
        ]

    def environment(self) -> dict[str, str]:
        """The environment of the stack's processes."""
        inherited = {name: value for name, value in os.environ.items() if name not in AUTHENTICATION}
        # What a process that is killed leaves behind goes with the folder.
        return inherited | self._settings() | {"PYTHONUNBUFFERED": "1", "TMPDIR": str(self.folder)}

    def _settings(self) -> dict[str, str]:
        ports = {"PORT": self.api} | ({"CONSOLE_PORT": self.console} if self.console else {})
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "JWT_SECRET": self.secret,
            "JWT_AUDIENCE": AUDIENCE,
            "FILES_ROOT": str(self.files),
            "HOST": HOST,
            "CONSOLE_HOST": HOST,
            **{name: api.url.rpartition(":")[2] for name, api in ports.items()},
            "APP_ENV": "development",
            "WEBHOOK_SECRET": self.webhook_secret,
            "WEBHOOK_ALLOWED_HOSTS": os.environ.get("WEBHOOK_ALLOWED_HOSTS") or LOOPBACK,
            "WORKER_CONCURRENCY": os.environ.get("WORKER_CONCURRENCY", "3"),
            "SHUTDOWN_GRACE_S": str(GRACE_S / 2),
        }

    def _migrate(self, command: Command) -> None:
        log = self.log(command.name)
        with log.open("wb") as output:
            with held():
                process = subprocess.Popen(
                    command.argv,
                    cwd=ROOT,
                    env=command.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
                watchdog.add_group(process.pid)
            try:
                code = process.wait()
            finally:
                kill_group(process.pid)
                process.wait()
                watchdog.remove_group(process.pid)
        if code != 0:
            raise StackError("the database could not be migrated", log)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        for name, answers in [("api", self.api.ready), ("console", self._console_answers)]:
            while not answers():
                self.check()
                if time.monotonic() > deadline:
                    raise StackError(f"{name} was not ready within {READY_S:.0f} s", self.log(name))
                time.sleep(TICK_S)

    def _console_answers(self) -> bool:
        return self.console is None or self.console.answers("/healthz")


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"--- last lines of {log.name} ---", *lines[-TAIL_LINES:]])
