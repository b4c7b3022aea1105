"""FINALIZATION: outline and drafts, checked, become one text."""

import re
from collections.abc import Sequence

from pipeline.contract import Course, Draft, FinishedCourse, Outline, Report, StageFailed, StageInput
from pipeline.drafting.carrying import rename_labels
from pipeline.drafting.escaping import escape_title
from pipeline.language import PHRASES, Phrases, choose_language, choose_phrases
from pipeline.markdown_text import shift_headings, split_heading

_WORD = re.compile(r"\w+")
_WORDS_PER_MINUTE = 180
#: Lessons stand at the third level: course, section, lesson.
_SHIFT = 2


def handle(stage_input: StageInput, report: Report) -> FinishedCourse:
    """The whole course as one Markdown text with a table of contents, and its summary.

    Raises StageFailed when the outline is empty or a lesson has no draft, an empty one or one out of order.
    """
    del report  # one step, no units
    course = stage_input.course
    outline = check_outline(stage_input.outline)
    check_drafts(outline, stage_input.drafts)
    language = _read_language(course, stage_input.drafts)
    text = assemble(course, outline, stage_input.drafts, choose_phrases(language))
    words = sum(1 for draft in stage_input.drafts for _ in _WORD.finditer(draft.text))
    return FinishedCourse(
        text,
        {
            "title": course.title,
            "language": language,
            "sections": len(outline.sections),
            "lessons": len(stage_input.drafts),
            "words": words,
            "reading_minutes": max(1, -(-words // _WORDS_PER_MINUTE)),
        },
    )


def _read_language(course: Course, drafts: Sequence[Draft]) -> str:
    """The course's own language, else that of the phrases in the drafts, which was chosen by the documents."""
    texts = [draft.text for draft in drafts]
    spoken = [code for code, phrases in PHRASES.items() if any(f"## {phrases.check}" in text for text in texts)]
    return choose_language(course, texts) if (course.language or "").strip() or not spoken else spoken[0]


def check_outline(outline: Outline | None) -> Outline:
    """The outline, in which every section has lessons and everything a title. Raises StageFailed otherwise."""
    if outline is None or not outline.sections:
        raise StageFailed("Структура курса пуста: собирать нечего.")
    for number, section in enumerate(outline.sections, start=1):
        if not section.title.strip() or not section.lessons:
            raise StageFailed(f"В разделе {number} нет названия или нет уроков.")
        if not all(lesson.title.strip() for lesson in section.lessons):
            raise StageFailed(f"В разделе «{section.title}» есть урок без названия.")
    return outline


def check_drafts(outline: Outline, drafts: Sequence[Draft]) -> None:
    """Returns when every lesson has its draft, in order, with text. Raises StageFailed otherwise."""
    titles = [lesson.title for section in outline.sections for lesson in section.lessons]
    if len(drafts) != len(titles):
        raise StageFailed(f"Уроков в структуре: {len(titles)}, подготовлено текстов: {len(drafts)}.")
    for number, (title, draft) in enumerate(zip(titles, drafts, strict=True), start=1):
        if draft.lesson != number:
            raise StageFailed(f"Нарушена нумерация уроков: на месте {number} стоит текст урока {draft.lesson}.")
        if not split_heading(draft.text)[1].strip():
            raise StageFailed(f"Текст урока {number} «{title}» пуст.")


def assemble(course: Course, outline: Outline, drafts: Sequence[Draft], phrases: Phrases) -> str:
    """The course's title, its table of contents, and its numbered sections and lessons.

    Links and notes lead where they led in each lesson, also if several used one label.
    """
    contents: list[str] = []
    body: list[str] = []
    labels: dict[str, str] = {}
    remaining = iter(drafts)
    for section_number, section in enumerate(outline.sections, start=1):
        section_heading = f"{section_number}. {escape_title(section.title)}"
        contents.append(f"- {section_heading}")
        body.append(f"## {section_heading}")
        for lesson_number, lesson in enumerate(section.lessons, start=1):
            heading = f"{section_number}.{lesson_number}. {escape_title(lesson.title)}"
            contents.append(f"  - {heading}")
            _, text = split_heading(next(remaining).text)
            body.extend((f"### {heading}", shift_headings(rename_labels(text, labels), _SHIFT)))
    blocks = (f"# {escape_title(course.title)}", f"**{phrases.contents}**", "\n".join(contents), *body)
    return "\n\n".join(blocks).rstrip() + "\n"
