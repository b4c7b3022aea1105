"""What a handler is given: the course as its owner filled it in, and what earlier stages stored."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from psycopg import Connection

from app.generation.stages import Stage
from app.queries import QUERIES
from pipeline.contract import Brief, Course, Document, Draft, File, Heading, Lesson, Outline, Section, Span, StageInput

#: What each stage reads of what earlier ones stored.
_NEEDS = {
    Stage.DOCUMENT_PROCESSING: (),
    Stage.STRUCTURE_ANALYSIS: (),
    Stage.STRUCTURE_GENERATION: ("documents", "brief"),
    Stage.TEXT_GENERATION: ("documents", "brief", "outline"),
    Stage.FINALIZATION: ("outline", "drafts"),
}


def read_input(
    conn: Connection[Any], stage: Stage, generation_id: UUID, course: Mapping[str, Any], files_root: str
) -> StageInput:
    """The stage's input; `course` is as `runs.begin` found it."""
    readers: Mapping[str, Callable[[Connection[Any], UUID], Any]] = {
        "documents": _documents,
        "brief": _brief,
        "outline": _outline,
        "drafts": _drafts,
    }
    stored: dict[str, Any] = {need: readers[need](conn, generation_id) for need in _NEEDS[stage]}
    return StageInput(course=read_course(course), files_root=files_root, **stored)


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


def _documents(conn: Connection[Any], generation_id: UUID) -> tuple[Document, ...]:
    rows = conn.execute(QUERIES["list_documents"], {"generation_id": generation_id}).fetchall()
    return tuple(
        Document(
            file_id=row["file_id"],
            name=row["name"],
            mime_type=row["mime_type"],
            text=row["body"],
            headings=tuple(Heading(**heading) for heading in row["headings"]),
            error=row["error"],
        )
        for row in rows
    )


def _brief(conn: Connection[Any], generation_id: UUID) -> Brief | None:
    row = conn.execute(QUERIES["find_brief"], {"generation_id": generation_id}).fetchone()
    if row is None:
        return None
    brief = row["brief"]
    return Brief(**{**brief, "goals": tuple(brief["goals"]), "key_points": tuple(brief["key_points"])})


def _outline(conn: Connection[Any], generation_id: UUID) -> Outline:
    sections: dict[int, tuple[str, list[Lesson]]] = {}
    for row in conn.execute(QUERIES["list_lessons"], {"generation_id": generation_id}).fetchall():
        _, lessons = sections.setdefault(row["section_number"], (row["section_title"], []))
        sources = tuple(Span(**span) for span in row["sources"])
        lessons.append(Lesson(row["title"], tuple(row["goals"]), sources))
    return Outline(tuple(Section(title, tuple(lessons)) for title, lessons in sections.values()))


def _drafts(conn: Connection[Any], generation_id: UUID) -> tuple[Draft, ...]:
    rows = conn.execute(QUERIES["list_drafts"], {"generation_id": generation_id}).fetchall()
    return tuple(Draft(row["lesson_number"], row["body"]) for row in rows)
