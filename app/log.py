"""Logs: one JSON object a line on standard output; ids bound once per request or job stand in every line of it."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from types import MappingProxyType
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=MappingProxyType({}))


@contextmanager
def bind(**ids: object) -> Iterator[None]:
    """Every log line of the block carries these fields; those that are None are left out."""
    token = _bound.set({**_bound.get(), **{name: str(value) for name, value in ids.items() if value is not None}})
    try:
        yield
    finally:
        _bound.reset(token)


class LineFormatter(JsonFormatter):
    """A log record as one JSON object: `timestamp`, `level`, `message`, who speaks, what is bound, its own fields."""

    def __init__(self, service: str, environment: str, version: str) -> None:
        super().__init__(json_ensure_ascii=False)
        self._speaker = {"service": service, "environment": environment, "version": version}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        own: dict[str, Any] = {}
        super().add_fields(own, record, message_dict)
        log_data["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname.lower()
        log_data["message"] = own.pop("message", record.getMessage())
        log_data["logger"] = record.name
        log_data.update(self._speaker, **_bound.get())
        log_data.update({name: value for name, value in own.items() if name not in log_data})


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
    # What no line tells is not looked up for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
