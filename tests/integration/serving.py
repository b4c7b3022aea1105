"""The production server as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol

import psutil

from stack.server import HOST, free_port
from tests.tokens import SECRET

ROOT = Path(__file__).resolve().parents[2]
Headers = list[tuple[str, str]]


@dataclass
class Server:
    """The running process, where it listens, and all it has said."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: bytes = b"", headers: Headers | None = None) -> tuple[int, Any]:
        """The status and JSON body; headers are sent as they are given."""
        status, answer = self.ask(method, path, body, headers)
        return status, json.loads(answer or b"null")

    def ask(self, method: str, path: str, body: bytes = b"", headers: Headers | None = None) -> tuple[int, bytes]:
        """The status and the body."""
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.putrequest(method, path)
            for name, value in headers or []:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            # Who is refused before all is sent finds the answer there all the same.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def status(self, path: str) -> int | None:
        """The status of a GET; None where nobody answers."""
        try:
            return self.call("GET", path)[0]
        except (OSError, HTTPException):
            return None

    def stop(self) -> int:
        """The exit code after a SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class StartServer(Protocol):
    def __call__(self, **environment: str | None) -> Server: ...


@contextmanager
def serving(database_url: str, redis_url: str) -> Iterator[StartServer]:
    """Gives a function that starts servers, each on a free port; none is left afterwards.

    Its arguments change the environment; None removes a variable.
    """
    servers: list[Server] = []
    readers: list[threading.Thread] = []
    scratch = tempfile.TemporaryDirectory(prefix="course-serving-")  # for what those leave behind that are killed

    def start(**environment: str | None) -> Server:
        given = environment.get("PORT") or ""
        port = int(given) if given.isdigit() else free_port()
        usual = {
            # Coverage of subprocesses, where it is measured, is asked for by the environment.
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
            "PATH": os.environ["PATH"],
            "TMPDIR": scratch.name,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "JWT_SECRET": SECRET,
            "APP_ENV": "test",
            "HOST": HOST,
            "PORT": str(port),
            "API_PROCESSES": "1",
            "SHUTDOWN_GRACE_S": "5",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "app.server"],
            cwd=ROOT,
            env={name: value for name, value in {**usual, **environment}.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        server = Server(process, port)
        servers.append(server)
        readers.append(threading.Thread(target=read, args=[server], daemon=True))
        readers[-1].start()
        return server

    def read(server: Server) -> None:
        assert server.process.stdout is not None
        with server.process.stdout as output:
            server.lines.extend(iter(output.readline, ""))

    try:
        yield start
    finally:
        for server in servers:
            if server.process.poll() is None:
                parent = psutil.Process(server.process.pid)
                parent.suspend()  # or it would start others for those that are killed
                for process in [*parent.children(recursive=True), parent]:
                    process.kill()
                server.process.wait()
        for reader in readers:
            reader.join(5)
        scratch.cleanup()
