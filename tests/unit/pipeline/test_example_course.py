"""The example course goes through every stage."""

import json
from pathlib import Path

from pipeline.contract import Course, File, StageInput
from pipeline.document_processing import handle
from tests.unit.pipeline.builders import finish, ignore

EXAMPLE = Path(__file__).parents[3] / "examples" / "course"


def test_example_course_reads_well() -> None:
    fields = json.loads((EXAMPLE / "course.json").read_text(encoding="utf-8"))
    course = Course(
        "c",
        fields["title"],
        language=fields["language"],
        description=fields["course_description"],
        learning_outcomes=tuple(fields["learning_outcomes"]),
        estimated_sections=fields["estimated_sections"],
        estimated_lessons=fields["estimated_lessons"],
        files=tuple(File(**file) for file in fields["files"]),
    )
    documents = handle(StageInput(course, str(EXAMPLE)), ignore)
    assert [document.error for document in documents] == [None] * 6
    given, finished = finish(course, *documents)
    assert given.outline is not None
    assert [section.title for section in given.outline.sections] == [
        "Запросы к данным",
        "Почему запрос работает медленно",
        "Безопасная работа с чужой базой",
        "Представления и витрины",
        "Как подготовить отчёт",
        "Как показать результат",
    ]
    assert finished.summary["lessons"] == 18
    served = {goal for section in given.outline.sections for lesson in section.lessons for goal in lesson.goals}
    assert served == set(course.learning_outcomes)
