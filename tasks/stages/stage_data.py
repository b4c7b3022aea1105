"""Between the database and the handlers: a stage's input as the pipeline's classes, its result as rows."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from app.generation.runs.verbs import NEEDS
from app.generation.stages import Stage
from pipeline import contract

_RESULTS: Mapping[Stage, type] = {
    Stage.DOCUMENT_PROCESSING: contract.Document,
    Stage.STRUCTURE_ANALYSIS: contract.Brief,
    Stage.STRUCTURE_GENERATION: contract.Outline,
    Stage.TEXT_GENERATION: contract.Draft,
    Stage.FINALIZATION: contract.FinishedCourse,
}
#: These stages return a tuple, and not an empty one.
_SEVERAL = (Stage.DOCUMENT_PROCESSING, Stage.TEXT_GENERATION)


class WrongResult(Exception):
    """The handler's result does not have its stage's type; the message says what was expected."""


def read_input(given: Mapping[str, Any], stage: Stage, files_root: str) -> contract.StageInput:
    """The stage's input, from what `begin_stage` read. What the stage does not need is empty."""
    return contract.StageInput(
        course=_course(given["course"]),
        files_root=files_root,
        documents=tuple(map(_document, given["documents"] or ())),
        brief=_brief(given["brief"]),
        outline=_outline(given["outline"] or ()) if "outline" in NEEDS[stage] else None,
        drafts=tuple(contract.Draft(**draft) for draft in given["drafts"] or ()),
    )


def as_rows(stage: Stage, result: Any) -> Any:
    """The result as `coursegen.store_stage_result` stores it, in plain data. Raises `WrongResult`."""
    _check(stage, result)
    match stage:
        case Stage.DOCUMENT_PROCESSING:
            return [_document_row(position, document) for position, document in enumerate(result)]
        case Stage.STRUCTURE_ANALYSIS:
            return asdict(result)
        case Stage.STRUCTURE_GENERATION:
            return _outline_rows(result)
        case Stage.TEXT_GENERATION:
            return [{"lesson_number": draft.lesson, "body": draft.text} for draft in result]
        case Stage.FINALIZATION:
            return {"body": result.text, "summary": result.summary}


def _check(stage: Stage, result: object) -> None:
    expected = _RESULTS[stage]
    if stage in _SEVERAL:
        if not isinstance(result, tuple) or not result or not all(isinstance(item, expected) for item in result):
            raise WrongResult(f"{stage.value} returns a tuple of {expected.__name__}, and not an empty one")
    elif not isinstance(result, expected):
        raise WrongResult(f"{stage.value} returns {expected.__name__}, not {type(result).__name__}")
    elif isinstance(result, contract.Outline) and not any(section.lessons for section in result.sections):
        raise WrongResult("An outline has at least one lesson")


def _course(row: Mapping[str, Any]) -> contract.Course:
    """The course; fields of a wrong type count as not filled in."""
    return contract.Course(
        id=str(row["id"]),
        title=str(row["title"] or ""),
        language=_text(row["language"]),
        style=_text(row["style"]),
        description=_text(row["course_description"]),
        target_audience=_text(row["target_audience"]),
        difficulty=_text(row["difficulty"]),
        lesson_duration_minutes=_count(row["lesson_duration_minutes"]),
        learning_outcomes=_lines(row["learning_outcomes"]),
        estimated_lessons=_count(row["estimated_lessons"]),
        estimated_sections=_count(row["estimated_sections"]),
        content_strategy=_text(row["content_strategy"]),
        output_formats=_lines(row["output_formats"]),
        files=tuple(_file(number, entry) for number, entry in enumerate(row["files"], start=1)),
    )


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _lines(items: list[str] | None) -> tuple[str, ...]:
    """All lines that are not blank: existing tables have lists, or one text with a line for each item."""
    return tuple(stripped for item in items or [] for line in item.splitlines() if (stripped := line.strip()))


def _file(number: int, entry: Mapping[str, str | None]) -> contract.File:
    """The course's file. One without a path can't be read."""
    path = entry["path"] or ""
    return contract.File(
        entry["id"] or str(number), entry["name"] or path or f"№ {number}", path, entry["mime_type"] or ""
    )


def _document(stored: Mapping[str, Any]) -> contract.Document:
    return contract.Document(
        **{**stored, "headings": tuple(contract.Heading(**heading) for heading in stored["headings"])}
    )


def _brief(stored: Mapping[str, Any] | None) -> contract.Brief | None:
    if stored is None:
        return None
    return contract.Brief(**{**stored, "goals": tuple(stored["goals"]), "key_points": tuple(stored["key_points"])})


def _outline(stored: Iterable[Mapping[str, Any]]) -> contract.Outline:
    sections: dict[int, tuple[str, list[contract.Lesson]]] = {}
    for row in stored:
        _, lessons = sections.setdefault(row["section"], (row["section_title"], []))
        lessons.append(
            contract.Lesson(row["title"], tuple(row["goals"]), tuple(contract.Span(**span) for span in row["sources"]))
        )
    return contract.Outline(tuple(contract.Section(title, tuple(lessons)) for title, lessons in sections.values()))


def _document_row(position: int, document: contract.Document) -> dict[str, Any]:
    row = asdict(document)
    return {"position": position, "body": row.pop("text"), **row}


def _outline_rows(outline: contract.Outline) -> dict[str, list[dict[str, Any]]]:
    sections = list(enumerate(outline.sections, start=1))
    lessons = [(number, lesson) for number, section in sections for lesson in section.lessons]
    return {
        "sections": [{"number": number, "title": section.title} for number, section in sections],
        "lessons": [
            {"number": number, "section_number": section_number, **asdict(lesson)}
            for number, (section_number, lesson) in enumerate(lessons, start=1)
        ],
    }
