"""What the worker and a child process say to each other over their socket: frames of a header and a payload."""

import struct
from dataclasses import dataclass
from enum import IntEnum

#: Before each payload: its kind, the number of the run that it belongs to, and how many bytes follow.
HEADER = struct.Struct("!BIQ")
#: The payload of REPORT: units done, units in all.
REPORT = struct.Struct("!qq")
#: Before the result of RETURNED: how many lessons it has.
LESSONS = struct.Struct("!q")

#: The largest result of a stage in bytes of JSON.
MAX_RESULT = 64 * 1024 * 1024
#: Characters of an error and of its trace.
MAX_ERROR, MAX_TRACE = 4_000, 16_000


class Kind(IntEnum):
    """What a message is; all but REQUEST come from the child."""

    #: The child lives. From now on it imports its handlers, which may end it.
    STARTED = 0
    READY = 1
    REQUEST = 2
    REPORT = 3
    RETURNED = 4
    RAISED = 5


@dataclass(frozen=True, slots=True)
class Returned:
    """The handler came to its end. `rows` is its result in JSON, as `coursegen.store_stage_result` stores it."""

    rows: bytes | memoryview
    lessons: int = 0


@dataclass(frozen=True, slots=True)
class Raised:
    """The handler raised. `message` is for the course's owner where the handler meant it so (then it is `final`).

    `faults` are those of the readers that broke on documents, as JSON.
    """

    error: str
    trace: str
    message: str | None = None
    final: bool = False
    faults: tuple[dict[str, str], ...] = ()


def cut(text: str, limit: int) -> str:
    """The text as PostgreSQL and a log can store it, with its middle left out if it is longer than `limit`."""
    if len(text) > limit:
        text = f"{text[: limit * 3 // 4]} … [{len(text) - limit} characters left out] … {text[-(limit // 4) :]}"
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
