"""The filters of generations: what operators type or put into a URL, read into parameters of `search_generations`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.generation.progress.status import read_id
from app.generation.stages import Stage
from app.generation.tiers import Tier

STATUSES = ("waiting", "queued", "running", "awaiting_approval", "completed", "failed", "cancelled")
ACTIVE = STATUSES[:4]
#: The longest text of a filter.
MAX_TEXT = 200

#: What is said of a filter that is not valid.
SAID = {
    "courses": "More than {most} courses have that in their titles. Give more of the title.",
    "gone": "The generation at which this page began is gone. Start from the first page.",
    "span": "“{name}” is no span of time: 90s, 30m, 24h or 7d.",
    "time": "“{name}” is neither a span (24h, 7d) nor a time in UTC (2026-11-29T14:30).",
    "choice": "“{name}” is none of {names}.",
    "id": "“{name}” is no id.",
    "text": "“{name}” is longer than {most} characters, or no text.",
}

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class BadFilter(ValueError):
    """The value of a filter is not one. The text, with its values put in, says what is."""

    def __init__(self, text: str, **values: object) -> None:
        self.text, self.values = text, values
        super().__init__(text.format(**values))


@dataclass(frozen=True, slots=True)
class Filters:
    """What is searched for, by the parameters of `search_generations`."""

    values: Mapping[str, object] = field(default_factory=dict)
    #: The id, slug or part of the title of a course.
    course: str | None = None
    after: UUID | None = None


def read_filters(given: Mapping[str, str]) -> Filters:
    """The filters that these texts name, by the names in a URL. An empty text is no filter. Raises `BadFilter`."""
    texts = {name: text.strip() for name, text in given.items() if name in _READERS and text.strip()}
    values = {_READERS[name][0]: _READERS[name][1](name, text) for name, text in texts.items()}
    return Filters(values, values.pop("course", None), values.pop("after", None))


def read_span(text: str) -> int | None:
    """The seconds of a span such as 90s, 30m, 24h, 7d or 1w; None if the text is no span."""
    found = re.fullmatch(r"([0-9]{1,5})([smhdw])", text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def read_time(text: str) -> datetime | None:
    """The time that a span back from now or a time in UTC names; None if the text is neither."""
    if (seconds := read_span(text)) is not None:
        return datetime.now(UTC) - timedelta(seconds=seconds)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _span(name: str, text: str) -> int:
    seconds = read_span(text)
    if seconds is None:
        raise BadFilter(SAID["span"], name=name)
    return seconds


def _time(name: str, text: str) -> datetime:
    if (time := read_time(text)) is None:
        raise BadFilter(SAID["time"], name=name)
    return time


def _one_of(names: Sequence[str]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in names:
            raise BadFilter(SAID["choice"], name=name, names=", ".join(names))
        return text

    return read


def _id(name: str, text: str) -> UUID:
    if (found := read_id(text)) is None:
        raise BadFilter(SAID["id"], name=name)
    return found


def _text(name: str, text: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise BadFilter(SAID["text"], name=name, most=MAX_TEXT)
    return text


#: By its name in a URL, each filter's parameter and what reads it.
_READERS: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "status": ("status", _one_of(STATUSES)),
    "tier": ("tier", _one_of([tier.value for tier in Tier])),
    "stage": ("stage", _one_of([stage.value for stage in Stage])),
    "user": ("user_id", _id),
    "course": ("course", _text),
    "id": ("id", _id),
    "request": ("request_id", _text),
    "error": ("error", _text),
    "event": ("event", _text),
    "since": ("since", _time),
    "until": ("until", _time),
    "ended": ("ended", _time),
    "cause": ("cause", _text),
    "stuck": ("stuck_s", _span),
    "after": ("after", _id),
}
FILTERS = tuple(_READERS)
#: The parameters that filters set.
PARAMETERS = tuple(parameter for parameter, _ in _READERS.values())
