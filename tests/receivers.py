"""Receivers of webhooks on loopback: what came to them, and answers of every kind."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it came; the names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """A response; by default only the status."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


#: What to answer to a request, given all that came before it and itself.
Answering = Callable[[list[Received]], Reply]


class Receiver:
    """A receiver that records requests and responds with `reply`, which may be changed at any time."""

    def __init__(self, reply: Reply | Answering | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.reply = reply or Reply()
        self.received: list[Received] = []
        self.changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.scheme = "http" if tls is None else "https"
        self.port: int = self._server.server_port

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?key=1"

    def wait_for(self, count: int, seconds: float = 20) -> list[Received]:
        """The first requests, once so many have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, seconds), f"{len(self.received)} came"
            return self.received[:count]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                with receiver.changed:
                    receiver.received.append(Received(self.path, names, body))
                    receiver.changed.notify_all()
                    so_far = list(receiver.received)
                reply = receiver.reply(so_far) if callable(receiver.reply) else receiver.reply
                with suppress(OSError):
                    self.send_response(reply.status)
                    for name, value in reply.headers:
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler


@contextmanager
def receiving(reply: Reply | Answering | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(reply, tls)
    try:
        yield receiver
    finally:
        receiver.stop()


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A port whose every connection is spoken to in this way, in a thread of its own, until the block is left."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    conn, _ = server.accept()
                    threading.Thread(target=talk, args=(conn,), daemon=True).start()

        def talk(conn: socket.socket) -> None:
            with suppress(OSError), conn:
                speak(conn, over)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def say_nothing(conn: socket.socket, over: threading.Event) -> None:
    """Takes the connection and never says a word."""
    over.wait()


def say(words: bytes, stay: bool = False) -> Callable[[socket.socket, threading.Event], None]:
    """Sends this to every client, then hangs up or stays on the line."""

    def speak(conn: socket.socket, over: threading.Event) -> None:
        conn.recv(65536)
        conn.sendall(words)
        if stay:
            over.wait()

    return speak


def flood(words: bytes, pause_s: float = 0) -> Callable[[socket.socket, threading.Event], None]:
    """Sends this again and again for ever."""

    def speak(conn: socket.socket, over: threading.Event) -> None:
        conn.recv(65536)
        while not over.wait(pause_s):
            conn.sendall(words)

    return speak


def drip(head: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Says this, then a byte every now and then for ever."""

    def speak(conn: socket.socket, over: threading.Event) -> None:
        conn.recv(65536)
        conn.sendall(head)
        while not over.wait(0.05):
            conn.sendall(b"x")

    return speak
