"""What a handler is given: the course as its owner filled it in, and what earlier stages stored."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.generation.stages import Stage
from pipeline.contract import Brief, Course, Document, Draft, File, Heading, Lesson, Outline, Section, Span, StageInput

#: What each stage reads of what earlier ones stored.
NEEDS: Mapping[Stage, tuple[str, ...]] = {
    Stage.DOCUMENT_PROCESSING: (),
    Stage.STRUCTURE_ANALYSIS: (),
    Stage.STRUCTURE_GENERATION: ("documents", "brief"),
    Stage.TEXT_GENERATION: ("documents", "brief", "outline"),
    Stage.FINALIZATION: ("outline", "drafts"),
}


def read_input(given: Mapping[str, Any], stage: Stage, files_root: str) -> StageInput:
    """The stage's input, of what `begin_stage` read for these needs. What the stage does not need is empty."""
    return StageInput(
        course=read_course(given["course"]),
        files_root=files_root,
        documents=tuple(map(_document, given["documents"] or ())),
        brief=_brief(given["brief"]),
        outline=_outline(given["outline"] or ()) if "outline" in NEEDS[stage] else None,
        drafts=tuple(Draft(**draft) for draft in given["drafts"] or ()),
    )


def read_course(row: Mapping[str, Any]) -> Course:
    """The course; fields of a wrong shape count as not filled in."""
    return Course(
        id=str(row["id"]),
        title=str(row.get("title") or ""),
        language=_text(row, "language"),
        style=_text(row, "style"),
        description=_text(row, "course_description"),
        target_audience=_text(row, "target_audience"),
        difficulty=_text(row, "difficulty"),
        lesson_duration_minutes=_count(row, "lesson_duration_minutes"),
        learning_outcomes=_texts(row["learning_outcomes"]),
        estimated_lessons=_count(row, "estimated_lessons"),
        estimated_sections=_count(row, "estimated_sections"),
        content_strategy=_text(row, "content_strategy"),
        output_formats=_texts(row["output_formats"]),
        files=tuple(_file(position, entry) for position, entry in enumerate(row["files"])),
    )


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _texts(items: list[str] | None) -> tuple[str, ...]:
    """A list's texts, line by line: existing tables have lists, or one text with a line each."""
    lines = [line.strip() for item in items or [] for line in item.splitlines()]
    return tuple(line for line in lines if line)


def _file(position: int, entry: Mapping[str, str | None]) -> File:
    """The course's file; one of a wrong shape has no path, and then can't be read."""
    path = entry["path"] or ""
    return File(
        id=entry["id"] or str(position + 1),
        name=entry["name"] or path or f"№ {position + 1}",
        path=path,
        mime_type=entry["mime_type"] or "",
    )


def _document(stored: Mapping[str, Any]) -> Document:
    return Document(**{**stored, "headings": tuple(Heading(**heading) for heading in stored["headings"])})


def _brief(stored: Mapping[str, Any] | None) -> Brief | None:
    if stored is None:
        return None
    return Brief(**{**stored, "goals": tuple(stored["goals"]), "key_points": tuple(stored["key_points"])})


def _outline(stored: Iterable[Mapping[str, Any]]) -> Outline:
    sections: dict[int, tuple[str, list[Lesson]]] = {}
    for row in stored:
        _, lessons = sections.setdefault(row["section"], (row["section_title"], []))
        sources = tuple(Span(**span) for span in row["sources"])
        lessons.append(Lesson(row["title"], tuple(row["goals"]), sources))
    return Outline(tuple(Section(title, tuple(lessons)) for title, lessons in sections.values()))
