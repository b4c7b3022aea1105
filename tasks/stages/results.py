"""A stage's results as rows: checked for their shape, and told in plain data."""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

from app.generation.runs.verbs import Result
from app.generation.stages import Stage
from pipeline.contract import Brief, Document, Draft, FinishedCourse, Outline


class WrongResult(Exception):
    """A handler returned something its stage doesn't; the message says what was expected."""


_SINGLE: Mapping[Stage, type] = {
    Stage.STRUCTURE_ANALYSIS: Brief,
    Stage.STRUCTURE_GENERATION: Outline,
    Stage.FINALIZATION: FinishedCourse,
}
_SEVERAL: Mapping[Stage, type] = {Stage.DOCUMENT_PROCESSING: Document, Stage.TEXT_GENERATION: Draft}


def check_result(stage: Stage, result: object) -> None:
    """Raises `WrongResult` unless the result is of the stage's type and not empty."""
    if (expected := _SINGLE.get(stage)) is not None:
        if not isinstance(result, expected):
            raise WrongResult(f"{stage.value} returns {expected.__name__}, not {type(result).__name__}")
        if isinstance(result, Outline) and not any(section.lessons for section in result.sections):
            raise WrongResult("An outline has at least one lesson")
        return
    member = _SEVERAL[stage]
    if not isinstance(result, tuple) or not result or not all(isinstance(item, member) for item in result):
        raise WrongResult(f"{stage.value} returns a tuple of {member.__name__}, and not an empty one")


def as_rows(stage: Stage, result: Any) -> Result:
    """The result, checked before, as `complete` stores it: the columns of its rows, in plain data."""
    match stage:
        case Stage.DOCUMENT_PROCESSING:
            return Result([_document_row(position, document) for position, document in enumerate(result)])
        case Stage.STRUCTURE_ANALYSIS:
            return Result(asdict(result))
        case Stage.STRUCTURE_GENERATION:
            outline = _outline_rows(result)
            return Result(outline, (0, len(outline["lessons"])))
        case Stage.TEXT_GENERATION:
            drafts = [{"lesson_number": draft.lesson, "body": draft.text} for draft in result]
            return Result(drafts, (len(drafts), len(drafts)))
        case Stage.FINALIZATION:
            return Result({"body": result.text, "summary": result.summary})


def _document_row(position: int, document: Document) -> dict[str, Any]:
    return {
        "position": position,
        "file_id": document.file_id,
        "name": document.name,
        "mime_type": document.mime_type,
        "body": document.text,
        "headings": [asdict(heading) for heading in document.headings],
        "error": document.error,
    }


def _outline_rows(outline: Outline) -> dict[str, list[dict[str, Any]]]:
    numbers = count(1)
    sections = list(enumerate(outline.sections, start=1))
    return {
        "sections": [{"number": number, "title": section.title} for number, section in sections],
        "lessons": [
            {
                "number": next(numbers),
                "section_number": number,
                "title": lesson.title,
                "goals": list(lesson.goals),
                "sources": [asdict(span) for span in lesson.sources],
            }
            for number, section in sections
            for lesson in section.lessons
        ],
    }
