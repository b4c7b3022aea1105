"""Logs: one JSON object a line on standard output. Ids bound once per request or job are in each of its lines."""

import io
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NoReturn, TextIO
from uuid import UUID

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonEncoder
from pythonjsonlogger.orjson import OrjsonFormatter

from app.telemetry.log_writer import BackgroundHandler
from app.telemetry.printable import inert_json

#: The first fields of every line, in this order. A record's own fields can't replace them.
FIELDS = ("timestamp", "level", "message", "logger", "service", "environment", "version")

_ENCODER = JsonEncoder(ensure_ascii=False)
_NOTHING: Mapping[str, object] = MappingProxyType({})
_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default=_NOTHING)


@contextmanager
def bind(**ids: object) -> Iterator[None]:
    """Adds these fields to every log line of the block; those that are None are left out."""
    token = _bound.set(_with(ids))
    try:
        yield
    finally:
        _bound.reset(token)


def bind_also(**ids: object) -> None:
    """Adds these fields for the rest of the enclosing block of `bind`; does nothing outside one."""
    if _bound.get() is not _NOTHING:
        _bound.set(_with(ids))


def _with(ids: Mapping[str, object]) -> Mapping[str, object]:
    """The bound fields and these, as text; the encoder turns a UUID into text faster."""
    added = {name: v if isinstance(v, UUID) else str(v) for name, v in ids.items() if v is not None}
    return {**_bound.get(), **added}


class LineFormatter(OrjsonFormatter):
    """A log record as one JSON object: `FIELDS`, the record's own fields, the bound ids."""

    def __init__(self, service: str, environment: str, version: str) -> None:
        super().__init__(
            ["timestamp", "levelname", "message", "name"],
            rename_fields={"levelname": "level", "name": "logger"},
            static_fields={"service": service, "environment": environment, "version": version},
            timestamp=True,
            reserved_attrs=[*RESERVED_ATTRS, *FIELDS],
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        log_data["level"] = log_data["level"].lower()
        log_data.update(_bound.get())
        return log_data

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            line = super().jsonify_log_record(log_data)
        except orjson.JSONEncodeError:  # a lone surrogate, or an integer of more than 64 bits
            line = _ENCODER.encode(log_data)
        return inert_json(line)


def configure_logging(service: str, level: str, environment: str, version: str, stream: TextIO | None = None) -> None:
    """The root logger writes JSON lines to the stream, by default standard output, and nowhere else.

    No line waits for the reader of the stream. A second call replaces the first.
    """
    handler = _make_handler(stream or sys.stdout)
    handler.setFormatter(LineFormatter(service, environment, version))
    root = logging.getLogger()
    for earlier in root.handlers:
        earlier.flush()
        if isinstance(earlier, BackgroundHandler):
            earlier.close()
    root.handlers = [handler]
    root.setLevel(level)
    # At INFO these two repeat our lines, and log every poll.
    logging.getLogger("procrastinate").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("psycopg.pool").setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _make_handler(stream: TextIO) -> logging.Handler:
    try:
        return BackgroundHandler(stream.fileno())
    except OSError:  # a buffer, which makes nobody wait
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        return logging.StreamHandler(stream)


@contextmanager
def only_lines() -> Iterator[None]:
    """What the process prints, and errors that nobody catches, are log lines too."""
    sys.excepthook = lambda kind, error, trace: _log_uncaught(error)
    threading.excepthook = lambda hooked: _log_uncaught(hooked.exc_value)
    sys.unraisablehook = lambda hooked: _log_uncaught(hooked.exc_value)
    with redirect_stdout(_Printed("stdout")), redirect_stderr(_Printed("stderr")):
        yield


def exit_now(code: int) -> NoReturn:
    """Ends the process at once, after the last log lines if these can be written in time."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(code)


def _log_uncaught(error: BaseException | None) -> None:
    logging.getLogger("uncaught").critical("uncaught_error", exc_info=error)


class _Printed(io.TextIOBase):
    """A stream whose lines are logged."""

    def __init__(self, name: str) -> None:
        self._log, self._rest = logging.getLogger(name), ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in filter(str.strip, lines):
            self._log.warning("printed", extra={"text": line})
        return len(text)

    def writable(self) -> bool:
        return True
