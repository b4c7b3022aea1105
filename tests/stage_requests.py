"""Requests to a child process, made of the contract's classes, and its results as these."""

from dataclasses import asdict
from typing import Any

import orjson

from app.generation.stages import Stage
from pipeline.child.stage_data import read_input
from pipeline.child.wire import Returned
from pipeline.contract import StageInput
from tasks.stages.child_process import Request


def request_for(stage: Stage, handler: str, given: StageInput) -> Request:
    """What the runner would ask for, with the input as the database would return it."""
    course = asdict(given.course)
    course["course_description"] = course.pop("description")
    text = orjson.dumps(
        {
            "course": course,
            "documents": given.documents or None,
            "brief": given.brief,
            "outline": given.outline
            and [
                {"section": number, "section_title": section.title, **asdict(lesson)}
                for number, section in enumerate(given.outline.sections, start=1)
                for lesson in section.lessons
            ],
            "drafts": given.drafts or None,
        }
    )
    return Request(stage.value, handler, given.files_root, text)


def read_result(stage: Stage, returned: Returned) -> Any:
    """The result as the contract's classes, as a later stage would read it."""
    rows = orjson.loads(returned.rows)
    given: dict[str, Any] = dict.fromkeys(("documents", "brief", "outline", "drafts"))
    match stage:
        case Stage.DOCUMENT_PROCESSING:
            given["documents"] = [
                {"text": row["body"], **{name: row[name] for name in row if name not in ("body", "position")}}
                for row in rows
            ]
        case Stage.STRUCTURE_GENERATION:
            titles = {section["number"]: section["title"] for section in rows["sections"]}
            given["outline"] = [
                {"section": lesson["section_number"], "section_title": titles[lesson["section_number"]]}
                | {name: lesson[name] for name in ("title", "goals", "sources")}
                for lesson in rows["lessons"]
            ]
        case Stage.TEXT_GENERATION:
            given["drafts"] = [{"lesson": row["lesson_number"], "text": row["body"]} for row in rows]
        case _:
            return rows
    course = dict.fromkeys(_COLUMNS) | {"id": "c", "title": "Курс", "files": []}
    read = read_input(orjson.dumps(given | {"course": course}), Stage.FINALIZATION.value, "")
    return read.documents or read.drafts or read.outline


_COLUMNS = (
    *("language", "style", "course_description", "target_audience", "difficulty", "lesson_duration_minutes"),
    *("learning_outcomes", "estimated_lessons", "estimated_sections", "content_strategy", "output_formats"),
)
