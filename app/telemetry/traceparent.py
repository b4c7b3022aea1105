"""The header `traceparent` of W3C Trace Context: which trace a request, its jobs and its webhooks belong to.

`tracestate` is dropped, as the standard permits: nothing here adds to it, and each job would have to keep it.
"""

import os
import re

#: A version, the trace's id, the caller's span, flags. A later version may have more, after a dash.
_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
#: Sampled, and that the trace's id is random. Other flags must not be passed on.
_FLAGS = 0x03


def read_traceparent(text: str) -> str | None:
    """The header in the version that is spoken here, 00; None if it is not valid, and a new trace is to begin."""
    found = _HEADER.fullmatch(text)
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    return f"00-{trace}-{span}-{int(flags, 16) & _FLAGS:02x}"


def make_traceparent() -> str:
    """That of a new trace, which nobody records."""
    ids = os.urandom(24).hex()
    return f"00-{ids[:32]}-{ids[32:]}-00"


def trace_id(traceparent: str | None) -> str | None:
    """The trace's id, for the log."""
    return traceparent and traceparent[3:35]
