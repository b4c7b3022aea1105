"""How many sections and lessons a course may have, how long a lesson should be, and what to say where that fails."""

from dataclasses import dataclass

from pipeline.contract import Course

DEFAULT_SECTIONS = 10
DEFAULT_LESSONS = 40
DEFAULT_LESSON_LENGTH = 7000
_CHARACTERS_PER_MINUTE = 900
_SHORTEST_LESSON, _LONGEST_LESSON = 3000, 20000


@dataclass(frozen=True, slots=True)
class Limits:
    """`sections` and `lessons` are never exceeded; `lesson_length` is in characters, 0 when the estimate decides."""

    sections: int
    lessons: int
    sections_are_estimated: bool
    lessons_are_estimated: bool
    lesson_length: int

    @property
    def sections_wanted(self) -> int:
        return self.sections if self.sections_are_estimated else 0


def read_limits(course: Course, documents: int = 0) -> Limits:
    """The course's estimates where they make sense, else defaults; never more sections than lessons.

    Each of so many documents may have a lesson by default.
    """
    sections = _positive(course.estimated_sections)
    lessons = _positive(course.estimated_lessons)
    most_lessons = lessons or max(DEFAULT_LESSONS, sections or 0, documents)
    minutes = _positive(course.lesson_duration_minutes)
    length = DEFAULT_LESSON_LENGTH
    if minutes:
        length = min(max(minutes * _CHARACTERS_PER_MINUTE, _SHORTEST_LESSON), _LONGEST_LESSON)
    return Limits(
        sections=min(sections or DEFAULT_SECTIONS, most_lessons),
        lessons=most_lessons,
        sections_are_estimated=sections is not None,
        lessons_are_estimated=lessons is not None,
        lesson_length=0 if lessons else length,
    )


def _positive(number: int | None) -> int | None:
    return number if number and number > 0 else None


def explain_shortfall(course: Course, sections: int, lessons: int, reason: str) -> tuple[str, ...]:
    """What to tell the course's owner when there are at least two sections or lessons fewer than he estimated."""
    wanted_sections, wanted_lessons = _positive(course.estimated_sections), _positive(course.estimated_lessons)
    notes = []
    if wanted_sections and sections < wanted_sections - 1:
        why = "больше разделов, чем уроков, не бывает" if sections == lessons == wanted_lessons else reason
        notes.append(f"Разделов получилось {sections}, а не {wanted_sections}: {why}.")
    if wanted_lessons and lessons < wanted_lessons - 1:
        notes.append(f"Уроков получилось {lessons}, а не {wanted_lessons}: {reason}.")
    return tuple(notes)
