"""A loopback proxy that counts round trips."""

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from stack.server import HOST


class TurnCounter:
    """Forwards every connection to a port of loopback. `turns` counts round trips.

    A client begins one when it sends after its server has sent; statements that are sent together are one.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.turns = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            for sock in (self._listener, *self._open):
                _shut(sock)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._target))
            except OSError:
                return
            with self._lock:
                self._open += [client, server]
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        spoke: socket.socket | None = None
        with selectors.DefaultSelector() as selector:
            for source, target in ((client, server), (server, client)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(source, selectors.EVENT_READ, (source, target))
            try:
                while True:
                    for key, _ in selector.select():
                        source, target = key.data
                        if not (data := source.recv(65536)):
                            return
                        if source is client and spoke is not client:
                            with self._lock:
                                self.turns += 1
                        spoke = source
                        target.sendall(data)
            except OSError:
                return
            finally:
                client.close()
                server.close()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # it was never connected, or is closed already
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
