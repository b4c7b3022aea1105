"""The finished course is whole, or the stage fails."""

import pytest

from pipeline.contract import Course, Draft, Lesson, Outline, Section, StageFailed, StageInput
from pipeline.finalization import handle
from tests.unit.pipeline.builders import ignore

OUTLINE = Outline((Section("Роли", (Lesson("Вход"), Lesson("Права"))), Section("Планы", (Lesson("Чтение"),))))
DRAFTS = (
    Draft(1, "# Вход\n\nТекст раз.\n\n## Пароль\n\n```sh\n# код\n```\n"),
    Draft(2, "Текст два без заголовка.\n"),
    Draft(3, "# Чтение\n\n###### Глубоко\n\nтри\n"),
)


def finish(outline: Outline | None = OUTLINE, drafts: tuple[Draft, ...] = DRAFTS) -> tuple[str, dict[str, int | str]]:
    course = handle(StageInput(Course("c", "Курс", language="ru"), "/", outline=outline, drafts=drafts), ignore)
    return course.text, course.summary


def test_course_is_assembled_with_contents_and_numbers() -> None:
    text, _ = finish()
    assert text == (
        "# Курс\n\n**Содержание**\n\n"
        "- 1. Роли\n  - 1.1. Вход\n  - 1.2. Права\n- 2. Планы\n  - 2.1. Чтение\n\n"
        "## 1. Роли\n\n### 1.1. Вход\n\nТекст раз.\n\n#### Пароль\n\n```sh\n# код\n```\n\n"
        "### 1.2. Права\n\nТекст два без заголовка.\n\n"
        "## 2. Планы\n\n### 2.1. Чтение\n\n###### Глубоко\n\nтри\n"
    )


def test_summary_says_what_one_wants_to_know() -> None:
    _, summary = finish()
    assert summary == {
        "title": "Курс",
        "language": "ru",
        "sections": 2,
        "lessons": 3,
        "words": 13,
        "reading_minutes": 1,
    }


@pytest.mark.parametrize(
    ("drafts", "reason"),
    [
        ((), "подготовлено текстов: 0"),
        (DRAFTS[:2], "подготовлено текстов: 2"),
        ((*DRAFTS, Draft(4, "x")), "подготовлено текстов: 4"),
        ((DRAFTS[1], DRAFTS[0], DRAFTS[2]), "нумерация"),
        ((DRAFTS[0], DRAFTS[0], DRAFTS[2]), "нумерация"),
        ((DRAFTS[0], Draft(2, " \n"), DRAFTS[2]), "урока 2 «Права» пуст"),
        ((DRAFTS[0], Draft(2, "# Права\n\n"), DRAFTS[2]), "урока 2 «Права» пуст"),
    ],
)
def test_missing_empty_or_misplaced_draft_fails(drafts: tuple[Draft, ...], reason: str) -> None:
    with pytest.raises(StageFailed, match=reason):
        finish(drafts=drafts)


@pytest.mark.parametrize(
    "outline",
    [
        None,
        Outline(()),
        Outline((Section("A", ()),)),
        Outline((Section(" ", (Lesson("x"),)),)),
        Outline((Section("A", (Lesson(""),)),)),
    ],
)
def test_outline_with_gaps_fails(outline: Outline | None) -> None:
    with pytest.raises(StageFailed):
        finish(outline=outline)
