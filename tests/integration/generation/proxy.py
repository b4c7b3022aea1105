"""A proxy on loopback that loses connections at the worst moment, and counts what crosses it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit


class Fault(Enum):
    """What happens to a connection when the client's `word` passes."""

    CUT_BEFORE = "lost before the server hears the word"
    CUT_AFTER = "lost after the server answered it, before the client hears"
    FREEZE = "held open, nothing passes any more"
    MUTE = "held open, the server hears and answers, the client hears nothing any more"


class Proxy:
    """Forwards connections to the server of a URL. `arm` makes the next ones fail; `turns` counts round trips.

    Every answer takes `slow_s` seconds more than it would, and `drip_s` more for each of its bytes.
    A turn is a time the client waited: its data followed by the server's. Who counts them has one connection: of
    several any may be the one that prepares a statement, which is a turn as well.
    """

    def __init__(self, url: str) -> None:
        self._target = (urlsplit(url).hostname or "127.0.0.1", urlsplit(url).port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._faults: list[tuple[bytes, Fault]] = []
        self._refusing = False
        self._refuse_after_fault = False
        self._open: list[socket.socket] = []
        self.slow_s = 0.0
        self.drip_s = 0.0
        self._mute_all = False
        self._exchanges: list[_Exchange] = []
        self.turns = 0
        self.commits = 0
        parts = urlsplit(url)
        host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        credentials = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(netloc=f"{credentials}@{host}" if credentials else host).geturl()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, word: bytes, fault: Fault, *, times: int = 1, refuse_after: bool = False) -> None:
        """The fault happens the next `times` that the word passes; afterwards nobody gets through if `refuse_after`."""
        with self._lock:
            self._faults = [(word, fault)] * times
            self._refuse_after_fault = refuse_after

    def refuse(self, refusing: bool = True) -> None:
        """Every open connection is lost and new ones are, or new ones work again."""
        with self._lock:
            self._refusing = refusing
            if refusing:
                for sock in self._open:
                    _close(sock)
                self._open.clear()

    def mute(self, *, new: bool) -> None:
        """Every open connection, and each `new` one if asked, stays open and passes nothing any more."""
        with self._lock:
            self._mute_all = new
            for state in self._exchanges:
                state.mute = True

    def close(self) -> None:
        self.refuse()
        _close(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._refusing:
                    _close(client)
                    continue
                try:
                    server = socket.create_connection(self._target)
                except OSError:  # it is down
                    _close(client)
                    continue
                self._open += [client, server]
            state = _Exchange()
            state.mute = self._mute_all
            self._exchanges.append(state)
            threading.Thread(target=self._forward, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self._back, args=(server, client, state), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, state: "_Exchange") -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                state.asked = True
                self.commits += data.count(b"COMMIT")
                fault = self._fault_in(data)
                if fault is Fault.CUT_BEFORE or (self._refusing and fault is None):
                    break
                if fault is Fault.FREEZE:
                    return
                state.swallow = fault is Fault.CUT_AFTER
                state.mute = state.mute or fault is Fault.MUTE
                server.sendall(data)
        if not state.swallow:
            _close(server)
            _close(client)

    def _back(self, server: socket.socket, client: socket.socket, state: "_Exchange") -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if state.swallow:
                    break
                if state.mute:
                    continue
                if state.asked:
                    state.asked = False
                    self.turns += 1
                time.sleep(self.slow_s)
                for piece in [data[i : i + 1] for i in range(len(data))] if self.drip_s else [data]:
                    time.sleep(self.drip_s)
                    client.sendall(piece)
        _close(server)
        _close(client)

    def _fault_in(self, data: bytes) -> Fault | None:
        with self._lock:
            if not self._faults or self._faults[0][0] not in data:
                return None
            _, fault = self._faults.pop(0)
            if not self._faults and self._refuse_after_fault:
                self._refusing = True
            return fault


class _Exchange:
    asked = False
    swallow = False
    mute = False


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """A proxy to the server of the URL for the length of the block."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()


def _close(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
