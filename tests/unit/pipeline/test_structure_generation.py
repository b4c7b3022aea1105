"""An outline holds all of the documents, once, within the estimates."""

import pytest
from hypothesis import given

from pipeline.contract import Brief, Course, Document, Outline, StageInput
from pipeline.structure_generation import handle
from tests.unit.pipeline.builders import COURSES, DOCUMENTS, ignore, lessons_of, markdown, outline_of, plain

PARAGRAPH = "Обычное предложение о данных. " * 20


def shape(outline: Outline) -> dict[str, list[str]]:
    return {section.title: [lesson.title for lesson in section.lessons] for section in outline.sections}


def limit(estimate: int | None, default: int) -> int:
    return estimate if estimate and estimate > 0 else default


def book(chapters: int, points: int, title: str = "Книга") -> Document:
    return markdown(
        f"# {title}\n\n"
        + "".join(
            f"## Тема {chapter}\n\n"
            + "".join(f"### Вопрос {chapter}.{point}\n\n{PARAGRAPH}\n\n" for point in range(points))
            for chapter in range(chapters)
        )
    )


@given(COURSES, DOCUMENTS)
def test_every_character_is_in_one_lesson_in_order(course: Course, documents: tuple[Document, ...]) -> None:
    outline = outline_of(course, *documents)
    spans = [span for lesson in lessons_of(outline) for span in lesson.sources]
    position = (-1, 0)
    for span in spans:
        assert (span.document, span.start) >= position
        assert span.start < span.end <= len(documents[span.document].text)
        position = (span.document, span.end)
    for number, document in enumerate(documents):
        assert document.error is None or number not in {span.document for span in spans}
        left = list(document.text)
        for span in spans:
            if span.document == number:
                left[span.start : span.end] = " " * (span.end - span.start)
        is_repeated = any(document.text.strip() == earlier.text.strip() for earlier in documents[:number])
        assert is_repeated or not "".join(left).strip()


@given(COURSES, DOCUMENTS)
def test_estimates_are_never_exceeded_and_nothing_is_empty(course: Course, documents: tuple[Document, ...]) -> None:
    outline = outline_of(course, *documents)
    lessons = lessons_of(outline)
    assert 1 <= len(lessons) <= limit(course.estimated_lessons, 40)
    assert 1 <= len(outline.sections) <= limit(course.estimated_sections, 10)
    assert all(section.lessons for section in outline.sections)
    for titles in ([section.title for section in outline.sections], [lesson.title for lesson in lessons]):
        assert all(title.strip() and "\n" not in title for title in titles)
        assert len({title.casefold() for title in titles}) == len(titles)


@given(COURSES, DOCUMENTS)
def test_outline_is_the_same_every_time(course: Course, documents: tuple[Document, ...]) -> None:
    assert outline_of(course, *documents) == outline_of(course, *documents)


def test_title_of_the_only_document_is_no_section() -> None:
    assert shape(outline_of(Course("c", "Курс"), book(3, 2))) == {
        f"Тема {chapter}": [f"Вопрос {chapter}.0", f"Вопрос {chapter}.1"] for chapter in range(3)
    }


def test_documents_are_sections_when_their_headings_are_lessons() -> None:
    documents = [
        markdown(f"# {name}\n\n## {name} раз\n\n{PARAGRAPH}\n\n## {name} два\n\n{PARAGRAPH}") for name in "АБВ"
    ]
    assert shape(outline_of(Course("c", "Курс"), *documents)) == {
        name: [f"{name} раз", f"{name} два"] for name in "АБВ"
    }


def test_estimates_are_reached_where_the_text_allows() -> None:
    outline = outline_of(Course("c", "Курс", estimated_sections=4, estimated_lessons=12), book(8, 4))
    assert [len(outline.sections), len(lessons_of(outline))] == [4, 12]
    assert [section.title for section in outline.sections] == [f"Тема {n} и другое" for n in (0, 2, 4, 6)]


def test_long_text_without_headings_is_split_at_paragraph_ends() -> None:
    text = "\n\n".join([PARAGRAPH.strip()] * 40)
    outline = outline_of(Course("c", "Курс", estimated_lessons=8), plain(text, "конспект_лекции.txt"))
    assert [lesson.title for lesson in lessons_of(outline)] == [f"Конспект лекции (часть {n})" for n in range(1, 9)]
    assert all(
        text[span.start : span.end].startswith("Обычное") and text[span.start : span.end].endswith("данных.")
        for lesson in lessons_of(outline)
        for span in lesson.sources
    )


def test_fenced_code_is_never_split() -> None:
    code = "```\n" + "x = 1\n\n" * 600 + "```"
    outline = outline_of(Course("c", "Курс", estimated_lessons=4), markdown(f"{PARAGRAPH}\n\n{code}\n\n{PARAGRAPH}"))
    document = markdown(f"{PARAGRAPH}\n\n{code}\n\n{PARAGRAPH}")
    pieces = [document.text[s.start : s.end] for lesson in lessons_of(outline) for s in lesson.sources]
    assert all(piece.count("```") in {0, 2} for piece in pieces)


def test_short_lessons_are_merged_without_an_estimate() -> None:
    document = markdown("# T\n\n## A\n\ntiny\n\n## B\n\n" + PARAGRAPH + "\n\n## C\n\n" + PARAGRAPH)
    assert [lesson.title for lesson in lessons_of(outline_of(Course("c", "K"), document))] == ["B", "C"]


def test_long_introduction_is_a_lesson_of_its_own() -> None:
    document = markdown(f"# Книга\n\n{PARAGRAPH * 3}\n\n## Раз\n\n{PARAGRAPH}\n\n## Два\n\n{PARAGRAPH}")
    titles = [lesson.title for lesson in lessons_of(outline_of(Course("c", "Курс"), document))]
    assert titles == ["Введение: Книга", "Раз", "Два"]


def test_equal_titles_are_told_apart_by_their_sections() -> None:
    documents = [markdown(f"# {n}\n\n## Порядок\n\n{PARAGRAPH}\n\n## {n}1\n\n{PARAGRAPH}") for n in ("Роли", "Планы")]
    titles = [lesson.title for lesson in lessons_of(outline_of(Course("c", "Курс"), *documents))]
    assert titles == ["Роли: Порядок", "Роли1", "Планы: Порядок", "Планы1"]


def test_numbering_is_left_out_of_titles() -> None:
    document = markdown(f"# Глава 1. Роли\n\n## 1.1 Вход\n\n{PARAGRAPH}\n\n## 1.2. Права\n\n{PARAGRAPH}")
    assert shape(outline_of(Course("c", "Курс"), document)) == {"Роли": ["Вход", "Права"]}


def test_goals_go_to_the_lessons_that_speak_of_them() -> None:
    course = Course(
        "c", "Курс", learning_outcomes=("Соединять таблицы и читать планы запросов", "Печь хлеб из ржаной муки")
    )
    document = markdown(f"# SQL\n\n## План запроса\n\n{PARAGRAPH} таблица\n\n## Роли\n\n{PARAGRAPH}")
    plan, roles = lessons_of(outline_of(course, document))
    assert plan.goals == ("Соединять таблицы и читать планы запросов",)
    assert roles.goals == ()


@given(COURSES)
def test_outline_without_documents_keeps_to_the_estimates(course: Course) -> None:
    outline = outline_of(course)
    lessons = lessons_of(outline)
    assert 1 <= len(lessons) <= limit(course.estimated_lessons, 40)
    assert 1 <= len(outline.sections) <= limit(course.estimated_sections, 10)
    assert all(section.lessons and section.title.strip() for section in outline.sections)
    assert len({lesson.title for lesson in lessons}) == len(lessons)
    goals = {goal for lesson in lessons for goal in lesson.goals}
    assert goals == {" ".join(goal.split()) for goal in course.learning_outcomes if goal}


@pytest.mark.parametrize(
    ("language", "first", "last"), [("ru", "Введение", "Заключение"), ("en", "Introduction", "Conclusion")]
)
def test_outline_without_documents_follows_the_brief(language: str, first: str, last: str) -> None:
    brief = Brief("SQL", language, "", "", goals=("Write queries.",), key_points=("roles", "queries"))
    outline = handle(StageInput(Course("c", "SQL", language=language), "", brief=brief), ignore)
    assert [lesson.title for lesson in lessons_of(outline)] == [first, "Roles", "Queries", last]


def test_outline_without_documents_reaches_for_the_estimates() -> None:
    goals = ("Писать запросы", "Читать планы")
    course = Course("c", "SQL", language="ru", learning_outcomes=goals, estimated_sections=4, estimated_lessons=8)
    assert shape(outline_of(course)) == {
        "Введение": ["Введение"],
        "Писать запросы": [
            "Писать запросы: основные понятия",
            "Писать запросы: разбор примера",
            "Писать запросы: практика",
        ],
        "Читать планы": [
            "Читать планы: основные понятия",
            "Читать планы: разбор примера",
            "Читать планы: практика",
        ],
        "Заключение": ["Заключение"],
    }


def test_estimates_without_documents_are_met_exactly_where_themes_suffice() -> None:
    goals = ("Read", "Write", "Draw")
    course = Course("c", "Art", language="en", learning_outcomes=goals, estimated_sections=4, estimated_lessons=7)
    assert [len(section.lessons) for section in outline_of(course).sections] == [1, 2, 2, 2]
    equal = Course("c", "Art", language="en", learning_outcomes=goals, estimated_sections=5, estimated_lessons=5)
    assert [len(section.lessons) for section in outline_of(equal).sections] == [1] * 5


def test_unreadable_documents_leave_the_brief() -> None:
    course = Course("c", "SQL", learning_outcomes=("Write queries",))
    outline = outline_of(course, Document("1", "a.pdf", "", error="broken"), Document("2", "b.txt", "", text=" \n"))
    assert [lesson.title for lesson in lessons_of(outline)] == ["Introduction", "Write queries", "Conclusion"]
