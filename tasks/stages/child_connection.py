"""The worker's end of the socket to a child process. It never waits, and holds each payload once."""

import socket
from collections.abc import Iterator

from pipeline.child.wire import HEADER, LESSONS, MAX_RESULT, Kind

Message = tuple[Kind, int, memoryview]

_KINDS = frozenset(Kind)


class Broken(Exception):
    """What the child sent is no message of ours: something else writes to its socket."""


class Connection:
    """Frames over a non-blocking socket. `is_sending`: a request or an answer is not sent to its end."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._unsent: list[memoryview] = []
        self._sent = Kind.REQUEST
        self._head = memoryview(bytearray(HEADER.size))
        self._message: tuple[Kind, int] | None = None
        self._rest = self._whole = self._head

    @property
    def is_sending(self) -> bool:
        return bool(self._unsent)

    @property
    def is_sending_request(self) -> bool:
        return bool(self._unsent) and self._sent is Kind.REQUEST

    def begin(self, kind: Kind, run: int, *parts: bytes | memoryview) -> None:
        """The request or answer of these parts is the next to be sent; the one before is sent."""
        size = sum(map(len, parts))
        self._sent = kind
        self._unsent = [memoryview(part) for part in (HEADER.pack(kind, run, size), *parts) if part]

    def send(self) -> None:
        """Sends what the socket takes now."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[0])
            except BlockingIOError:
                return
            self._unsent[0] = self._unsent[0][sent:]
            if not self._unsent[0]:
                del self._unsent[0]

    def receive(self) -> Iterator[Message]:
        """The messages that have come whole. Raises EOFError, `Broken`."""
        while True:
            while self._rest:
                try:
                    count = self._socket.recv_into(self._rest)
                except BlockingIOError:
                    return
                if not count:
                    raise EOFError
                self._rest = self._rest[count:]
            if self._message is None:
                kind, run, size = HEADER.unpack(self._head)
                if kind not in _KINDS or size > MAX_RESULT + LESSONS.size:
                    raise Broken(f"the handler's process sent a message of kind {kind} and {size} bytes")
                self._message = Kind(kind), run
                self._rest = self._whole = memoryview(bytearray(size))
            if not self._rest:
                message, payload = self._message, self._whole
                self._message, self._rest, self._whole = None, self._head, self._head
                yield *message, payload
