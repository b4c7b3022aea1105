"""What a handler prints and logs, as log lines of the worker: bounded in length and in rate. Keeps the last."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS

from pipeline.child.output import MAX_FIELD, MAX_FIELDS, RECORD
from pipeline.child.wire import MAX_TRACE, cut

#: Lines of one handler that are logged a second; more are counted and left out.
LINES_PER_S = 50
#: Bytes of a line; the rest of it is left out.
MAX_LINE = 32 * 1024
#: How much is read at once, and how many times before something else is looked at.
CHUNK, READS = 1 << 16, 16
#: Of a run, the last lines that are kept, and how many bytes in all.
TAIL_LINES, TAIL_BYTES = 200, 64 * 1024

log = logging.getLogger(__name__)

#: A line's level, message and fields.
_Said = tuple[int, str, dict[str, Any]]


class HandlerOutput:
    """Reads the output of one child process from a pipe, and logs it. Never waits. `hide` takes out secrets."""

    def __init__(self, pipe: int, hide: Callable[[str], str] = str) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._hide = hide
        self._line = bytearray()
        self._tail: deque[tuple[float, bytes]] = deque(maxlen=TAIL_LINES)
        self._second = 0
        self._lines = 0
        self._left_out = 0
        self.is_open = True

    def read(self) -> None:
        """What the pipe holds is logged, or left out if there is too much of it."""
        for _ in range(READS):
            try:
                chunk = os.read(self._pipe, CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self.is_open = False
                return
            *whole, rest = chunk.split(b"\n")
            for part in whole:
                self._add(part)
                self._end_line()
            self._add(rest)

    def flush(self) -> None:
        """The pipe is read; a line without an end is logged, and how many were left out."""
        self.read()
        if self._line:
            self._end_line()
        self._log_left_out()

    def take_tail(self) -> str:
        """The last lines since the last call, each a JSON object: those that were left out of the log, too."""
        lines, size = [], 0
        for at, line in reversed(self._tail):
            if said := self._understand(line):
                level, message, fields = said
                when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
                own = {"at": when, "level": logging.getLevelName(level).lower(), "message": message}
                lines.append(orjson.dumps({**own, **fields, **own}).decode())
                size += len(lines[-1].encode())
                if size > TAIL_BYTES:
                    del lines[-1]
                    break
        self._tail.clear()
        return "\n".join(reversed(lines))

    def _add(self, part: bytes) -> None:
        self._line += part[: MAX_LINE - len(self._line)]

    def _end_line(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        self._tail.append((time.time(), line))
        second = int(time.monotonic())
        if second != self._second:
            self._log_left_out()
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_PER_S:
            self._left_out += 1
        elif said := self._understand(line):
            level, message, fields = said
            log.log(level, "%s", message, extra=fields)

    def _understand(self, line: bytes) -> _Said | None:
        """What the line says; None if that is nothing."""
        if line.startswith(RECORD) and (said := self._read_record(line[1:])):
            return said
        text = self._hide(line.decode(errors="backslashreplace")).strip()
        return (logging.INFO, "handler_output", {"text": cut(text, MAX_FIELD)}) if text else None

    def _read_record(self, line: bytes) -> _Said | None:
        """The log record; None if the line is none. Its writer is not trusted to keep to its bounds."""
        try:
            record: dict[str, Any] = orjson.loads(line)
            fields = {
                cut(str(name), MAX_FIELD): self._show(value) if isinstance(value, str) else value
                for name, value in list(dict(record["fields"]).items())[:MAX_FIELDS]
                if name not in RESERVED_ATTRS and isinstance(value, str | int | float | None)
            }
            fields["handlerLogger"] = self._show(record["logger"])
            if "trace" in record:
                fields["trace"] = self._show(record["trace"], MAX_TRACE)
            return int(record["level"]), self._show(record["message"]), fields
        except (ValueError, TypeError, KeyError):
            return None

    def _show(self, value: object, limit: int = MAX_FIELD) -> str:
        return cut(self._hide(str(value)), limit)

    def _log_left_out(self) -> None:
        if self._left_out:
            log.warning("handler_output_left_out", extra={"lines": self._left_out})
            self._left_out = 0
