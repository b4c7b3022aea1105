"""Logs: one JSON object a line on standard output; ids bound once per request or job stand in every line of it."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from types import MappingProxyType
from typing import TextIO
from uuid import UUID

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonEncoder, JsonFormatter

#: What every record has, and no line tells.
_NO_FIELDS = frozenset(RESERVED_ATTRS)
#: For what JSON has no type of.
_ENCODER = JsonEncoder(ensure_ascii=False)

_NOTHING: Mapping[str, object] = MappingProxyType({})
_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default=_NOTHING)


class bind:  # noqa: N801 - as the function that it is used as
    """Every log line of the block carries these fields; those that are None are left out."""

    __slots__ = ("_ids", "_token")

    def __init__(self, **ids: object) -> None:
        self._ids = ids

    def __enter__(self) -> None:
        self._token = _bound.set(_with(self._ids))

    def __exit__(self, *_: object) -> None:
        _bound.reset(self._token)


def bind_also(**ids: object) -> None:
    """What is left of the block of `bind` that this is called in carries these fields as well; outside any, nothing."""
    if _bound.get() is not _NOTHING:
        _bound.set(_with(ids))


def _with(ids: Mapping[str, object]) -> Mapping[str, object]:
    """What is bound, and these as text; a UUID becomes text faster in a line than here."""
    bound = {name: v if isinstance(v, UUID) else str(v) for name, v in ids.items() if v is not None}
    return {**_bound.get(), **bound}


class LineFormatter(JsonFormatter):
    """A log record as one JSON object: `timestamp`, `level`, `message`, who speaks, what is bound, its own fields.

    Which they are is fixed, so the library's way of choosing among them, half of a line's time, is not gone.
    """

    def __init__(self, service: str, environment: str, version: str) -> None:
        super().__init__()
        self._speaker = {"service": service, "environment": environment, "version": version}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
            **self._speaker,
            **_bound.get(),
        }
        fields = record.__dict__
        for name in sorted(fields.keys() - _NO_FIELDS - line.keys()):
            line[name] = fields[name]
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack_info"] = self.formatStack(record.stack_info)
        try:
            return orjson.dumps(line, default=_ENCODER.default).decode()
        except orjson.JSONEncodeError:  # it has text that UTF-8 can't hold, or a number of more than 64 bits
            return _ENCODER.encode(line)


def configure_logging(service: str, level: str, environment: str, version: str, stream: TextIO | None = None) -> None:
    """The root logger writes JSON lines to the stream, by default standard output, and to nothing else.

    A second call replaces the first.
    """
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        # What clients send may hold what UTF-8 can't; a log line is never lost for it.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(service, environment, version))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Their lines repeat ours, or tell of every poll.
    logging.getLogger("procrastinate").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("psycopg.pool").setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
    # What no line tells is not looked up for each: the thread, the process, and, by the last, the line of code.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # as the standard library's HOWTO has it
