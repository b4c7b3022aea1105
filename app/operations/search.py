"""Finds generations by what operators know of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow

from app.database.pool import Database, only_row
from app.database.queries import QUERIES
from app.generation.progress.steps import STEPS
from app.generation.stages import Stage
from app.generation.tiers import Tier
from app.operations.listings import EVERY_CHANGE, NotFound

STATUSES = ("waiting", "queued", "running", "awaiting_approval", "completed", "failed", "cancelled")
ACTIVE = STATUSES[:4]
PAGE = 50
#: How many matches are counted.
MOST_COUNTED = 1000
#: How many courses a name may match.
MOST_COURSES = 200
#: Characters of an attempt's log that are shown, from its end.
LOG_SHOWN = 4000
#: Events of a rare type are looked up before the generations; of any other, a generation of the newest has one.
MOST_RARE = 20_000
#: The longest text of a filter.
MAX_TEXT = 200

#: What the steps are called here.
STEP_NAMES = ("Admission", "Documents and analysis", "Structure", "Lessons", "Finish")

#: What is said of filters that are none.
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


class Ambiguous(NotFound):
    """Several generations have that name; `rows` are as of `search`."""

    def __init__(self, name: str, rows: list[DictRow]) -> None:
        self.rows = rows
        super().__init__(f"Several generations are called {name}: name one by its id")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of generations. `matches`: how many match from this page on, at most one more than are counted."""

    rows: list[DictRow]
    matches: int
    #: The id after which the next page begins; None on the last one.
    after: UUID | None


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


def search(db: Database, filters: Filters, *, by_title: bool = True, limit: int = PAGE) -> Found:
    """The newest generations that match, at most `limit`. Raises `BadFilter` and `psycopg.errors.QueryCanceled`."""
    with db.connection() as conn:
        ids = match(conn, filters, max(MOST_COUNTED, limit) + 1, by_title=by_title)
        rows = conn.execute(QUERIES["list_generations_by_id"], {"ids": ids[:limit]}).fetchall()
    return Found(rows, len(ids), ids[limit - 1] if len(ids) > limit else None)


def match(conn: Connection[DictRow], filters: Filters, limit: int, *, by_title: bool = True) -> list[UUID]:
    """The ids of the newest generations that match. Raises as `search`."""
    values: dict[str, Any] = dict.fromkeys(
        [*(name for name, _ in _READERS.values()), "courses", "after_at", "after_id"]
    )
    values |= {**filters.values, "is_rare": False, "limit": limit}
    values["active"] = values["stuck_s"] is not None or values["status"] in ACTIVE
    if filters.course is not None:
        wanted = {"id": _id_or_none(filters.course), "name": filters.course, "by_title": by_title}
        courses = conn.execute(QUERIES["find_course_ids"], {**wanted, "limit": MOST_COURSES + 1}).fetchall()
        if len(courses) > MOST_COURSES:
            raise BadFilter(SAID["courses"], most=MOST_COURSES)
        values["courses"] = [row["id"] for row in courses]
    if values["event"] is not None:
        counted = only_row(conn.execute(QUERIES["count_events_of_type"], {**values, "limit": MOST_RARE + 1}))
        values["is_rare"] = counted["events"] <= MOST_RARE
    if filters.after is not None:
        place = conn.execute(QUERIES["find_generation_place"], {"id": filters.after}).fetchone()
        if place is None:
            raise BadFilter(SAID["gone"])
        values |= {"after_at": place["created_at"], "after_id": place["id"]}
    return [row["id"] for row in conn.execute(QUERIES["search_generations"], values).fetchall()]


def show(db: Database, generation_id: UUID) -> dict[str, Any]:
    """All that is kept of one generation but its texts. Raises `NotFound`."""
    values = {"generation_id": generation_id, "limit": 200, "characters": LOG_SHOWN}
    with db.connection() as conn:
        generation = conn.execute(QUERIES["show_generation"], values).fetchone()
        if generation is None:
            raise NotFound(f"There is no generation {generation_id}")
        values["course_id"] = generation["course_id"]
        return {
            "generation": generation,
            "attempts": conn.execute(QUERIES["list_generation_attempts"], values).fetchall(),
            "events": conn.execute(QUERIES["list_generation_events"], values).fetchall(),
            "audit": conn.execute(QUERIES["list_audit"], {**EVERY_CHANGE, **values}).fetchall(),
            "logs": {row["attempt_id"]: row["lines"] for row in conn.execute(QUERIES["list_log_ends"], values)},
            "units": conn.execute(QUERIES["count_generation_units"], values).fetchall(),
            "spending": conn.execute(QUERIES["find_spending"], values).fetchone(),
        }


def read_outline(db: Database, generation_id: UUID, number: int, lessons: int, characters: int) -> list[DictRow]:
    """So many lessons of the generation from that number on, with the beginning of what is written of each."""
    values = {"generation_id": generation_id, "number": number, "limit": lessons, "characters": characters}
    with db.connection() as conn:
        return conn.execute(QUERIES["list_outline"], values).fetchall()


def read_steps(progress: Any, attempts: list[Any], generation: Any) -> list[dict[str, Any]]:
    """The five steps with the attempts of their stages. The course's progress is used as far as it is well formed.

    It is None where it is that of a later generation: then the attempts say what happened.
    """
    raw = progress.get("steps") if isinstance(progress, dict) else None
    whole = [step for step in raw if isinstance(step, dict)] if isinstance(raw, list) else []
    found = {number: step for step in whole if isinstance(number := step.get("id"), int)}
    steps = []
    for number, name in enumerate(STEP_NAMES, 1):
        step, own = found.get(number, {}), [row for row in attempts if STEPS[Stage(row["stage"])].id == number]
        status = step.get("status") or (
            "completed"
            if number == 1 or any(row["outcome"] == "completed" for row in own)
            else own[-1]["outcome"] or "in_progress"
            if own
            else "pending"
        )
        started = step.get("started_at") or (own[0]["started_at"] if own else None)
        ended = step.get("completed_at") or (own[-1]["finished_at"] if own else None)
        if number == 1:
            started = ended = generation["created_at"]
        steps.append(
            {"name": name, "shown_as": step.get("name"), "status": status, "started": started, "ended": ended}
            | {"error": step.get("error"), "attempts": own}
        )
    return steps


def find_named(db: Database, name: str) -> tuple[UUID, int]:
    """The generation of that id, else the latest of the course of that id or slug, else the one of that request's id.

    Returns its id, and how many others the course has. Raises `NotFound`, and `Ambiguous` for several.
    """
    if (generation_id := _id_or_none(name)) is not None:
        with db.connection() as conn:
            if conn.execute(QUERIES["find_generation_place"], {"id": generation_id}).fetchone() is not None:
                return generation_id, 0
    of_course = search(db, Filters(course=name), by_title=False)
    if of_course.rows and len({row["course_id"] for row in of_course.rows}) == 1:
        return of_course.rows[0]["id"], of_course.matches - 1
    found = of_course.rows or search(db, Filters({"request_id": name})).rows
    if len(found) != 1:
        raise Ambiguous(name, found) if found else NotFound(f"No generation, course or request is called {name}")
    return found[0]["id"], 0


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
    if (found := _id_or_none(text)) is None:
        raise BadFilter(SAID["id"], name=name)
    return found


def _text(name: str, text: str) -> str:
    if len(text) > MAX_TEXT or "\0" in text:
        raise BadFilter(SAID["text"], name=name, most=MAX_TEXT)
    return text


def _id_or_none(text: str) -> UUID | None:
    return UUID(text) if re.fullmatch(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", text) else None


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
