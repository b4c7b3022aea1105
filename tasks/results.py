"""A stage's results as rows: checked for their shape, written in the caller's transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import count
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from app.generation.runs import Begun, count_lessons
from app.generation.stages import Stage
from app.queries import QUERIES
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


def write_result(conn: Connection[Any], begun: Begun, result: Any) -> None:
    """The result, checked before, is stored for its generation, in the transaction that completes the stage."""
    generation_id = begun.run.generation_id
    match begun.run.stage:
        case Stage.DOCUMENT_PROCESSING:
            _insert(conn, "insert_document", _document_rows(generation_id, result))
        case Stage.STRUCTURE_ANALYSIS:
            _insert(conn, "insert_brief", [{"generation_id": generation_id, "brief": Jsonb(asdict(result))}])
        case Stage.STRUCTURE_GENERATION:
            _write_outline(conn, generation_id, result)
            count_lessons(conn, begun.course_id, 0, sum(len(section.lessons) for section in result.sections))
        case Stage.TEXT_GENERATION:
            _insert(
                conn,
                "insert_draft",
                (
                    {"generation_id": generation_id, "lesson_number": draft.lesson, "body": draft.text}
                    for draft in result
                ),
            )
            count_lessons(conn, begun.course_id, len(result), len(result))
        case Stage.FINALIZATION:
            row = {"generation_id": generation_id, "body": result.text, "summary": Jsonb(result.summary)}
            _insert(conn, "insert_generated_course", [row])


def _document_rows(generation_id: UUID, documents: Iterable[Document]) -> Iterable[Mapping[str, Any]]:
    for position, document in enumerate(documents):
        yield {
            "generation_id": generation_id,
            "position": position,
            "file_id": document.file_id,
            "name": document.name,
            "mime_type": document.mime_type,
            "body": document.text,
            "headings": Jsonb([asdict(heading) for heading in document.headings]),
            "error": document.error,
        }


def _write_outline(conn: Connection[Any], generation_id: UUID, outline: Outline) -> None:
    numbers = count(1)
    for section_number, section in enumerate(outline.sections, start=1):
        heading = {"generation_id": generation_id, "number": section_number, "title": section.title}
        _insert(conn, "insert_section", [heading])
        _insert(
            conn,
            "insert_lesson",
            (
                {
                    "generation_id": generation_id,
                    "number": next(numbers),
                    "section_number": section_number,
                    "title": lesson.title,
                    "goals": Jsonb(list(lesson.goals)),
                    "sources": Jsonb([asdict(span) for span in lesson.sources]),
                }
                for lesson in section.lessons
            ),
        )


def _insert(conn: Connection[Any], query: str, rows: Iterable[Mapping[str, Any]]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(QUERIES[query], rows)
