"""Interim responses (1xx), which a client must skip. `http.client` skips `100` alone, and without a limit."""

import io
import re
import socket
from http.client import HTTPException
from typing import cast

#: Bytes of interim responses that are skipped.
MAX_BYTES = 64 * 1024

# The status line of an interim response. `101` is final.
_INTERIM = re.compile(rb"HTTP/\S+\s+1(?!01)[0-9]{2}\s")


def skip_interim(sock: socket.socket) -> socket.socket:
    """The socket for an `HTTPConnection`, whose response is then the final one.

    Reading more than `MAX_BYTES` of interim responses raises HTTPException.
    """
    return cast(socket.socket, _Connection(sock))


class _Connection:
    """The methods of a socket that `http.client` uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.sendall, self.close = sock.sendall, sock.close

    def makefile(self, mode: str) -> io.BufferedReader:
        """A reader that begins with the final response."""
        reader = self._sock.makefile("rb")
        try:
            return io.BufferedReader(_Resumed(_read_final_line(reader), reader))
        except BaseException:
            reader.close()
            raise


def _read_final_line(reader: io.BufferedReader) -> bytes:
    """The status line of the final response; what came before it has been read."""
    left = MAX_BYTES
    while _INTERIM.match(line := reader.readline(MAX_BYTES)):
        while line.strip():  # the status line, then headers; an empty line ends them
            left -= len(line)
            if left < 0:
                raise HTTPException(f"more than {MAX_BYTES // 1024} KiB of interim responses")
            line = reader.readline(MAX_BYTES)
    return line


class _Resumed(io.RawIOBase):
    """A line that was read already, then the rest."""

    def __init__(self, line: bytes, rest: io.BufferedReader) -> None:
        self._line, self._rest = line, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._line:
            return self._rest.readinto1(buffer)
        piece = self._line[: len(buffer)]
        self._line = self._line[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._rest.close()
        super().close()
