"""Stage handlers for measuring: one ends its generation at once, the others bring it to its end at hardly any cost."""

from pipeline.contract import Document, Draft, FinishedCourse, Lesson, Outline, Report, Section, StageFailed, StageInput


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


#: The settings that make these the handlers of a course with documents.
EMPTY = {
    "HANDLER_DOCUMENT_PROCESSING": f"{__name__}.read",
    "HANDLER_STRUCTURE_GENERATION": f"{__name__}.outline",
    "HANDLER_TEXT_GENERATION": f"{__name__}.draft",
    "HANDLER_FINALIZATION": f"{__name__}.finish",
}
