"""What a stage handler receives and what it returns.

A handler is `handle(stage_input: StageInput, work: Work) -> result`, with the result type of its stage. `pipeline.work`
has `Work`, which is a `Report` for handlers that do no more.

| stage | result |
| --- | --- |
| DOCUMENT_PROCESSING | `tuple[Document, ...]`, one per file of the course, in order |
| STRUCTURE_ANALYSIS | `Brief` |
| STRUCTURE_GENERATION | `Outline` |
| TEXT_GENERATION | `tuple[Draft, ...]`, one per lesson, in order |
| FINALIZATION | `FinishedCourse` |

Input and result cross a process border: keep them plain and picklable.
A handler may run more than once for the same input; it must have no effects of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

#: `report(done, total)`: how many of the stage's units (files, lessons) are done. Cheap; call it per unit.
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a reader of ours broke on a file: the file's format, the place in our code, and the type of the error."""

    format: str
    place: str
    error: str


class StageFailed(Exception):
    """The stage can't succeed however often it is tried; the message is shown to the course's owner.

    `faults` are counted as events.
    """

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class ProviderBusy(Exception):
    """A provider asks to wait: the stage is paused for `retry_after_s`, and this start does not count.

    Without `retry_after_s` the pause is the stage's backoff, doubled with each.
    """

    def __init__(self, why: str = "A provider is busy", retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class BudgetExhausted(BaseException):
    """The generation has spent what it may. Raised before a call, past `except Exception`; do not catch it."""


@dataclass(frozen=True, slots=True)
class File:
    """A file the instructor attached; `path` is relative to the files root."""

    id: str
    name: str
    path: str
    mime_type: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """The course's own fields, as its owner filled them in. `language` is an ISO 639-1 code where known."""

    id: str
    title: str
    language: str | None = None
    style: str | None = None
    description: str | None = None
    target_audience: str | None = None
    difficulty: str | None = None
    lesson_duration_minutes: int | None = None
    learning_outcomes: tuple[str, ...] = ()
    estimated_lessons: int | None = None
    estimated_sections: int | None = None
    content_strategy: str | None = None
    output_formats: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document; `start` is the offset in the document's text where its line begins."""

    level: int
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file, its heading lines included. `error` says why there is none.

    `title` is the name that the document gives itself elsewhere than in its text. `fault` is set if a reader of ours
    broke on the file.
    """

    file_id: str
    name: str
    mime_type: str
    text: str = ""
    headings: tuple[Heading, ...] = ()
    error: str | None = None
    title: str = ""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """What the course is about, gathered from its own fields."""

    topic: str
    language: str
    audience: str
    summary: str
    goals: tuple[str, ...] = ()
    key_points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range [start, end) of the text of the document at index `document`."""

    document: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lesson:
    title: str
    goals: tuple[str, ...] = ()
    sources: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """`notes` say, for the course's owner, where it does not follow the course's estimates, and why."""

    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The text (Markdown) of one lesson; `lesson` counts from 1 through the whole course."""

    lesson: int
    text: str


@dataclass(frozen=True, slots=True)
class FinishedCourse:
    """The whole course as one Markdown text, and its key figures."""

    text: str
    summary: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageInput:
    """The course and what earlier stages stored; what no earlier stage has stored is empty."""

    course: Course
    files_root: str
    documents: tuple[Document, ...] = ()
    brief: Brief | None = None
    outline: Outline | None = None
    drafts: tuple[Draft, ...] = ()
