"""What the embedded servers have in common: a folder, a free port, a process, a log."""

import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from stack.interrupts import held
from stack.scratch import remove_folder, scratch_folder
from tasks.supervision.watchdog import watchdog

HOST = "127.0.0.1"
#: Between checks of a server that starts, since it does not report when it serves.
TICK_S = 0.02
START_S = 30.0
STOP_S = 10.0

#: What a server's log says when something that is about to go away still holds its port or its data.
BUSY = ("in use", "already exists")


class ServerStartError(Exception):
    """The server did not start."""

    def __init__(self, name: str, reason: str, log: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name} did not start: {reason}\n{log.rstrip()}")


class Server(ABC):
    """A server process on 127.0.0.1, its data and log in one folder; not started by the constructor.

    Without a `folder` it makes a temporary one, and `stop()` removes it. Without a `port` the system picks a free
    one at the first start; later starts keep it. It dies with its starter.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        self._given_folder = folder
        self._folder: Path | None = None
        self._given_port = port
        self.port = port or 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect."""

    @property
    def folder(self) -> Path:
        """The server's own folder; made on first use."""
        if self._folder is None:
            with held():
                self._folder = self._given_folder or scratch_folder(f"course-{self.name}-")
            self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def log(self) -> Path:
        """The file that takes everything the server says."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The id of the running server process."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> Self:
        """The server answers; already running, it stays as it is. Raises `ServerStartError` with the log's end."""
        if self.pid is not None:
            return self
        self._forget()
        self._prepare()
        deadline = time.monotonic() + START_S
        while True:
            # The system may give the port away between our look and the server's bind: then it is tried again.
            self.port = self._given_port or free_port()
            size = self.log.stat().st_size if self.log.exists() else 0
            self._spawn()
            if self._answers_before(deadline):
                self._given_port = self.port
                return self
            said = self._end_of_log(size)
            code = self._process.poll() if self._process is not None else None
            self.kill()
            if code is None:
                raise ServerStartError(self.name, f"no answer within {START_S:.0f} s", said)
            if time.monotonic() > deadline or not any(sign in said for sign in BUSY):
                raise ServerStartError(self.name, f"exit code {code}", said)
            time.sleep(TICK_S)

    def stop(self) -> None:
        """The server is gone, and so is its folder if it made it; a second call does nothing."""
        self._halt()
        if self._folder is not None and self._given_folder is None:
            remove_folder(self._folder)
            self._folder = None

    def kill(self) -> None:
        """The server process was killed where it stood and is gone; its data stay. `start()` brings it back."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._forget()

    def restart(self) -> None:
        """The server was stopped and answers again, on the same port and data."""
        self._halt()
        self.start()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:  # an interrupt, too, must not leave half a server behind
            self.stop()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Writes what has to be on disk before the server can start; called before every start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line that runs the server in the foreground on `self.port`."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether this very server answers now."""

    def _identity(self) -> dict[str, Any]:
        return {}

    def _spawn(self) -> None:
        with self.log.open("ab") as log, held():
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                **self._identity(),
            )
            watchdog.add_group(self._process.pid, self.stop_signal)

    def _answers_before(self, deadline: float) -> bool:
        while self.pid is not None and time.monotonic() < deadline:
            if self._answers():
                return self.pid is not None
            time.sleep(TICK_S)
        return False

    def _end_of_log(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read()[-4000:].decode(errors="replace")

    def _halt(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            watchdog.remove_group(self._process.pid)
            self._process = None


def server_environment() -> dict[str, str]:
    """Our environment without what would bend a server's or its tools' ways; messages in English."""
    bends = ("PG", "LC_", "LANG")
    return {name: value for name, value in os.environ.items() if not name.startswith(bends)} | {"LC_ALL": "C"}


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def package_folder(package: str) -> Path:
    """Where an installed package lies; the package is not imported. Raises `ModuleNotFoundError`."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed: run `make setup`", name=package)
    return Path(spec.submodule_search_locations[0])
