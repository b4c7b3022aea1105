"""What a handler prints and logs, as log lines of the worker: bounded in length and in rate."""

import logging
import os
import time
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

log = logging.getLogger(__name__)


class HandlerOutput:
    """Reads the output of one child process from a pipe, and logs it. Never waits."""

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._line = bytearray()
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
                self._log_line()
            self._add(rest)

    def flush(self) -> None:
        """The pipe is read; a line without an end is logged, and how many were left out."""
        self.read()
        if self._line:
            self._log_line()
        self._log_left_out()

    def _add(self, part: bytes) -> None:
        self._line += part[: MAX_LINE - len(self._line)]

    def _log_line(self) -> None:
        line, self._line = self._line, bytearray()
        second = int(time.monotonic())
        if second != self._second:
            self._log_left_out()
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_PER_S:
            self._left_out += 1
        elif line.startswith(RECORD) and _log_record(line[1:]):
            pass
        elif text := line.decode(errors="backslashreplace").strip():
            log.info("handler_output", extra={"text": cut(text, MAX_FIELD)})

    def _log_left_out(self) -> None:
        if self._left_out:
            log.warning("handler_output_left_out", extra={"lines": self._left_out})
            self._left_out = 0


def _log_record(line: bytearray) -> bool:
    """Logs the record; false if the line is none. Its writer is not trusted to keep to its bounds."""
    try:
        record: dict[str, Any] = orjson.loads(line)
        level, fields = int(record["level"]), dict(record["fields"])
        extra = {
            cut(str(name), MAX_FIELD): cut(value, MAX_FIELD) if isinstance(value, str) else value
            for name, value in list(fields.items())[:MAX_FIELDS]
            if name not in RESERVED_ATTRS and isinstance(value, str | int | float | None)
        }
        extra["handlerLogger"] = cut(str(record["logger"]), MAX_FIELD)
        if "trace" in record:
            extra["trace"] = cut(str(record["trace"]), MAX_TRACE)
        message = cut(str(record["message"]), MAX_FIELD)
    except (ValueError, TypeError, KeyError):
        return False
    log.log(level, "%s", message, extra=extra)
    return True
