"""Logs: one JSON object a line on standard output. Ids bound once per request or job are in each of its lines."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import TextIOWrapper
from types import MappingProxyType
from typing import Any, TextIO
from uuid import UUID

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonEncoder
from pythonjsonlogger.orjson import OrjsonFormatter

from app.printable import inert_json

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

    A second call replaces the first.
    """
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        # Clients may send text that UTF-8 can't encode; no log line is lost for it.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(service, environment, version))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # At INFO these two repeat our lines, and log every poll.
    logging.getLogger("procrastinate").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("psycopg.pool").setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
