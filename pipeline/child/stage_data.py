"""Between JSON and the handlers: a stage's input as the contract's classes, its result as rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from pipeline import contract

_RESULTS: Mapping[str, type] = {
    "DOCUMENT_PROCESSING": contract.Document,
    "STRUCTURE_ANALYSIS": contract.Brief,
    "STRUCTURE_GENERATION": contract.Outline,
    "TEXT_GENERATION": contract.Draft,
    "FINALIZATION": contract.FinishedCourse,
}
#: These stages return a tuple, and not an empty one.
_SEVERAL = ("DOCUMENT_PROCESSING", "TEXT_GENERATION")
#: These stages follow the outline.
_OUTLINED = ("TEXT_GENERATION", "FINALIZATION")


class WrongResult(Exception):
    """The handler's result does not have its stage's type; the message says what was expected."""


def read_input(text: bytes | memoryview, stage: str, files_root: str) -> contract.StageInput:
    """The stage's input, from the JSON that `begin_stage` read. What the stage does not need is empty."""
    given = orjson.loads(text)
    return contract.StageInput(
        course=_course(given["course"]),
        files_root=files_root,
        documents=tuple(map(_document, given["documents"] or ())),
        brief=_brief(given["brief"]),
        outline=_outline(given["outline"] or ()) if stage in _OUTLINED else None,
        drafts=tuple(contract.Draft(**draft) for draft in given["drafts"] or ()),
    )


def as_json(stage: str, result: Any) -> tuple[bytes, int]:
    """The result as `coursegen.store_stage_result` stores it, and how many lessons it has. Raises `WrongResult`."""
    _check(stage, result)
    rows, lessons = _as_rows(stage, result)
    return orjson.dumps(rows), lessons


def _as_rows(stage: str, result: Any) -> tuple[Any, int]:
    match stage:
        case "DOCUMENT_PROCESSING":
            return [_document_row(position, document) for position, document in enumerate(result)], 0
        case "STRUCTURE_GENERATION":
            rows = _outline_rows(result)
            return rows, len(rows["lessons"])
        case "TEXT_GENERATION":
            return [{"lesson_number": draft.lesson, "body": draft.text} for draft in result], len(result)
        case "FINALIZATION":
            return {"body": result.text, "summary": result.summary}, 0
    return result, 0


def _check(stage: str, result: object) -> None:
    expected = _RESULTS[stage]
    if stage in _SEVERAL:
        if not isinstance(result, tuple) or not result or not all(isinstance(item, expected) for item in result):
            raise WrongResult(f"{stage} returns a tuple of {expected.__name__}, and not an empty one")
    elif not isinstance(result, expected):
        raise WrongResult(f"{stage} returns {expected.__name__}, not {type(result).__name__}")
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
    return {
        "position": position,
        "file_id": document.file_id,
        "name": document.name,
        "mime_type": document.mime_type,
        "body": document.text,
        "headings": document.headings,
        "error": document.error,
        "title": document.title,
        "fault": document.fault,
    }


def _outline_rows(outline: contract.Outline) -> dict[str, Any]:
    sections = list(enumerate(outline.sections, start=1))
    lessons = [(number, lesson) for number, section in sections for lesson in section.lessons]
    return {
        "notes": outline.notes,
        "sections": [{"number": number, "title": section.title} for number, section in sections],
        "lessons": [
            {
                "number": number,
                "section_number": section_number,
                "title": lesson.title,
                "goals": lesson.goals,
                "sources": lesson.sources,
            }
            for number, (section_number, lesson) in enumerate(lessons, start=1)
        ],
    }
