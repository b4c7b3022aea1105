"""What the worker and a child process say to each other over their socket: frames of a header and a payload."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import orjson

#: Before each payload: its kind, the number of the run that it belongs to, and how many bytes follow.
HEADER = struct.Struct("!BIQ")
#: The payload of REPORT: units done, with the share of the one in hand, and units in all.
REPORT = struct.Struct("!dq")
#: Before the result of RETURNED: how many lessons it has.
LESSONS = struct.Struct("!q")

#: The largest result of a stage in bytes of JSON.
MAX_RESULT = 64 * 1024 * 1024
#: Characters of an error and of its trace.
MAX_ERROR, MAX_TRACE = 4_000, 16_000


#: The largest result of a unit in bytes of JSON.
MAX_UNIT = 1024 * 1024


class Kind(IntEnum):
    """What a message is; all but REQUEST and ANSWER come from the child."""

    #: The child lives. From now on it imports its handlers, which may end it.
    STARTED = 0
    READY = 1
    REQUEST = 2
    REPORT = 3
    RETURNED = 4
    RAISED = 5
    #: The handler waits for an answer. Both have a line of JSON, and then perhaps a unit's result in JSON.
    ASK = 6
    ANSWER = 7


@dataclass(frozen=True, slots=True)
class Returned:
    """The handler came to its end. `rows` is its result in JSON, as `coursegen.store_stage_result` stores it."""

    rows: bytes | memoryview
    lessons: int = 0


@dataclass(frozen=True, slots=True)
class Raised:
    """The handler raised. `message` is for the course's owner where the handler meant it so (then it is `final`).

    `faults` are those of the readers that broke on documents, as JSON.
    `is_busy`: a provider asks to wait, for `pause_s` seconds if it said how long.
    """

    error: str
    trace: str
    message: str | None = None
    final: bool = False
    faults: tuple[dict[str, str], ...] = ()
    is_busy: bool = False
    pause_s: float | None = None


def join_line(head: dict[str, Any], body: bytes | memoryview = b"") -> tuple[bytes, bytes | memoryview]:
    """A line of JSON, and what follows it."""
    return orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE), body


def split_line(payload: memoryview) -> tuple[dict[str, Any], memoryview]:
    """The line of JSON that the payload begins with, and the rest."""
    end = bytes(payload[: 1 << 16]).index(b"\n")
    return orjson.loads(payload[:end]), payload[end + 1 :]


def cut(text: str, limit: int) -> str:
    """The text as PostgreSQL and a log can store it, with its middle left out if it is longer than `limit`."""
    if len(text) > limit:
        text = f"{text[: limit * 3 // 4]} … [{len(text) - limit} characters left out] … {text[-(limit // 4) :]}"
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
