"""What the model is asked for each lesson."""

from pipeline.contract import Lesson, Section, StageInput

#: Changes whenever a prompt does: lessons of an older one are written anew.
VERSION = "1"
#: Characters of the source passages of one lesson.
MAX_SOURCES = 60_000

_SYSTEM = (
    "You write one lesson of a course in Markdown, in the language with the code {language}. "
    "Use the sources if there are any, and invent no facts. Begin with the text itself: the title is set already."
)


def ask_for_lesson(stage_input: StageInput, section: Section, lesson: Lesson) -> list[dict[str, str]]:
    """The messages that ask for the lesson's text."""
    course = stage_input.course
    parts = [
        f"Course: {course.title}",
        f"Audience: {course.target_audience}" if course.target_audience else "",
        f"Style: {course.style}" if course.style else "",
        f"Section: {section.title}",
        f"Lesson: {lesson.title}",
        "Goals:\n" + "\n".join(f"- {goal}" for goal in lesson.goals) if lesson.goals else "",
        f"Sources:\n{sources}" if (sources := _quote(stage_input, lesson)) else "",
    ]
    return [
        {"role": "system", "content": _SYSTEM.format(language=course.language or "ru")},
        {"role": "user", "content": "\n\n".join(filter(None, parts))},
    ]


def _quote(stage_input: StageInput, lesson: Lesson) -> str:
    passages = (stage_input.documents[span.document].text[span.start : span.end] for span in lesson.sources)
    return "\n\n".join(passages)[:MAX_SOURCES]
