"""STRUCTURE_ANALYSIS: the course's own fields become a brief."""

from pipeline.briefing.outcomes import tidy_outcomes
from pipeline.briefing.points import find_key_points
from pipeline.contract import Brief, Course, Report, StageFailed, StageInput
from pipeline.language import choose_language, choose_phrases

_LONGEST_TITLE = 120


def handle(stage_input: StageInput, report: Report) -> Brief:
    """What the course's fields say of it, in the course's language; nothing that they don't say.

    Raises StageFailed when they say nothing at all.
    """
    del report  # one step, no units
    return write_brief(stage_input.course)


def write_brief(course: Course) -> Brief:
    """The brief of this course. Raises StageFailed when it has neither title nor description nor outcomes."""
    description = _tidy(course.description or "")
    goals = tidy_outcomes(course.learning_outcomes)
    title = _tidy_line(course.title) or next(iter(description.split("\n")), "")[:_LONGEST_TITLE] or "".join(goals[:1])
    if not title:
        raise StageFailed("У курса нет ни названия, ни описания: не из чего составить структуру.")
    return Brief(
        topic=title,
        language=choose_language(course),
        audience=_tidy(course.target_audience or ""),
        summary="\n\n".join(filter(None, (description, _describe_form(course)))),
        goals=goals,
        key_points=find_key_points(f"{description}\n\n{_tidy(course.content_strategy or '')}"),
    )


def _describe_form(course: Course) -> str:
    """Audience, level and length of lesson as sentences; "" when none is stated."""
    phrases = choose_phrases(choose_language(course))
    difficulty = _tidy_line(course.difficulty or "")
    stated = (
        (phrases.audience, _tidy_line(course.target_audience or "")),
        (phrases.difficulty, phrases.difficulties.get(difficulty.lower(), difficulty)),
        (phrases.duration, str(course.lesson_duration_minutes or "")),
    )
    return " ".join(sentence.format(value=value.rstrip(".")) for sentence, value in stated if value)


def _tidy(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def _tidy_line(text: str) -> str:
    return " ".join(text.split())
