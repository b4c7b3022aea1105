"""A handler's log records as lines of its standard error, which the worker reads and logs with the ids of the job."""

import logging
import os
import sys
import traceback
from io import TextIOWrapper

import orjson

from pipeline.child.wire import MAX_TRACE, cut

#: A line that begins so is a log record in JSON (the record separator of RFC 7464).
RECORD = b"\x1e"
#: Characters of a record's message and of each of its fields.
MAX_FIELD = 2_000
#: Fields of a record besides its own.
MAX_FIELDS = 20

_ERROR_FD = 2
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _LineHandler(logging.Handler):
    """Writes each record in one go, so that those of several processes do not mix."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields = [(name, value) for name, value in vars(record).items() if name not in _OWN][:MAX_FIELDS]
            line = {
                "level": record.levelno,
                "logger": cut(record.name, MAX_FIELD),
                "message": cut(record.getMessage(), MAX_FIELD),
                "fields": {cut(name, MAX_FIELD): _plain(value) for name, value in fields},
            }
            if record.exc_info and record.exc_info[0]:
                line["trace"] = cut("".join(traceback.format_exception(*record.exc_info)), MAX_TRACE)
            os.write(_ERROR_FD, RECORD + orjson.dumps(line) + b"\n")
        except Exception:  # noqa: BLE001 - as the library does: no fault of a log line stops the work
            self.handleError(record)


def send_output_in_lines(log_level: str) -> None:
    """From now on what is logged in this process at `log_level` or above is on standard error, a line a record."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    root = logging.getLogger()
    root.handlers = [_LineHandler()]
    root.setLevel(log_level)
    logging.captureWarnings(True)


def _plain(value: object) -> int | float | bool | str | None:
    # A larger integer than JSON's readers take is text.
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    return cut(str(value), MAX_FIELD)
