"""Requests as bytes, over plain sockets."""

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from stack.server import HOST
from tests.integration.serving import Server

GENERATE = "/api/coursegen/generate"
INITIATE = "/trpc/generation.initiate"


@dataclass(frozen=True)
class Answer:
    """One response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def head(method: str, path: str, *headers: str, version: str = "1.1", host: str | None = "Host: x") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", *([host] if host else []), *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_head(path: str, token: str | None, *headers: str) -> bytes:
    authorization = [f"Authorization: Bearer {token}"] if token else []
    return head("POST", path, "Content-Type: application/json", *authorization, *headers)


def connect(server: Server, timeout: float = 10) -> socket.socket:
    return socket.create_connection((HOST, server.port), timeout)


def read_answer(sock: socket.socket) -> Answer | None:
    """The next response; None if the connection was closed first. Reads its body by its length."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            if not (more := sock.recv(65536)):
                return None
            data += more
        lines, _, body = data.partition(b"\r\n\r\n")
        status, *fields = lines.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        while len(body) < int(headers.get("content-length", "0")):
            if not (more := sock.recv(65536)):
                return None
            body += more
    except ConnectionError:
        return None
    return Answer(int(status.split()[1]), headers, body)


def read_all(sock: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    data = b""
    with suppress(ConnectionError):
        while more := sock.recv(65536):
            data += more
    return data


def send(server: Server, request: bytes) -> Answer | None:
    """The response to these bytes."""
    with connect(server) as sock:
        sock.sendall(request)
        return read_answer(sock)


def is_closed(sock: socket.socket, within_s: float) -> bool:
    """Whether the server has closed the connection, or does so in time; it has sent nothing else."""
    sock.settimeout(within_s)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@contextmanager
def many(server: Server, count: int, request: bytes = b"") -> Iterator[list[socket.socket]]:
    """This many connections, each of which has sent these bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 500)), hard))
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            sockets.append(stack.enter_context(connect(server)))
            if request:
                sockets[-1].sendall(request)
        yield sockets
