"""Stage handlers for measuring: one ends its generation at once, the others complete it with next to no work."""

import time

from pipeline.contract import Document, Draft, FinishedCourse, Lesson, Outline, Report, Section, StageFailed, StageInput

#: How long the slow ones wait.
SLOW_S = 0.25


def give_up(stage_input: StageInput, report: Report) -> None:
    """Raises `StageFailed`, so that the worker is idle again."""
    raise StageFailed("The benchmark measures no further than the start of the first stage")


def read(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    return tuple(Document(file.id, file.name, file.mime_type, "Текст. " * 100) for file in stage_input.course.files)


def outline(stage_input: StageInput, report: Report) -> Outline:
    return Outline((Section("Раздел", (Lesson("Урок 1"), Lesson("Урок 2"))),))


def draft(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    report(2, 2)
    return Draft(1, "Текст. " * 100), Draft(2, "Текст. " * 100)


def finish(stage_input: StageInput, report: Report) -> FinishedCourse:
    return FinishedCourse("".join(text.text for text in stage_input.drafts), {"lessons": len(stage_input.drafts)})


def slow_read(stage_input: StageInput, report: Report) -> tuple[Document, ...]:
    time.sleep(SLOW_S)
    return read(stage_input, report)


def slow_outline(stage_input: StageInput, report: Report) -> Outline:
    time.sleep(SLOW_S)
    return outline(stage_input, report)


def slow_draft(stage_input: StageInput, report: Report) -> tuple[Draft, ...]:
    time.sleep(SLOW_S)
    return draft(stage_input, report)


def slow_finish(stage_input: StageInput, report: Report) -> FinishedCourse:
    time.sleep(SLOW_S)
    return finish(stage_input, report)


#: Settings that make these the handlers of a course with documents.
EMPTY = {
    "HANDLER_DOCUMENT_PROCESSING": f"{__name__}.read",
    "HANDLER_STRUCTURE_GENERATION": f"{__name__}.outline",
    "HANDLER_TEXT_GENERATION": f"{__name__}.draft",
    "HANDLER_FINALIZATION": f"{__name__}.finish",
}
#: The same with a wait in each.
SLOW = {name: path.replace(f"{__name__}.", f"{__name__}.slow_") for name, path in EMPTY.items()}
