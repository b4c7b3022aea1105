"""A course without documents is outlined by what its own fields say."""

import pytest

from pipeline.briefing.outcomes import name_theme, tidy_outcomes
from pipeline.briefing.points import find_key_points
from pipeline.contract import Course, Section
from tests.unit.pipeline.builders import finish, lessons_of, outline_of


def titles(course: Course) -> list[str]:
    return [lesson.title for lesson in lessons_of(outline_of(course))]


@pytest.mark.parametrize(
    ("outcome", "goals"),
    [
        ("знать формулы вежливости;", ["знать формулы вежливости"]),
        ("Учащиеся смогут писать письма", ["Писать письма"]),
        ("By the end of the course, students will be able to write queries", ["Write queries"]),
        ("You will learn how to cook", ["Cook"]),
        (
            "В результате обучения слушатель должен знать: виды угроз, методы защиты; уметь: распознавать фишинг; "
            "владеть: навыками реагирования.",
            ["Знать виды угроз", "Знать методы защиты", "Распознавать фишинг", "Владеть навыками реагирования"],
        ),
        ("Писать запросы; Читать планы", ["Писать запросы", "Читать планы"]),
        ("1. Писать запросы. 2. Читать планы.", ["Писать запросы.", "Читать планы."]),
        ("Понимать права", ["Понимать права"]),
        ("Вы", ["Вы"]),
    ],
)
def test_each_outcome_is_a_goal(outcome: str, goals: list[str]) -> None:
    assert list(tidy_outcomes([outcome, outcome])) == goals


@pytest.mark.parametrize(
    ("goal", "theme"),
    [
        ("Знать виды угроз", "Виды угроз"),
        ("Знать структуру письма", "Знать структуру письма"),
        ("Владеть навыками реагирования", "Навыки реагирования"),
        ("Уметь писать письмо.", "Писать письмо"),
        ("Understand closures", "Closures"),
        (
            "Рассчитывать переплату по кредиту и сравнивать предложения банков, учитывая страховку, комиссии и способ "
            "погашения долга",
            "Рассчитывать переплату по кредиту и сравнивать предложения банков",
        ),
    ],
)
def test_a_theme_is_called_after_its_subject_in_short(goal: str, theme: str) -> None:
    assert name_theme(goal) == theme


@pytest.mark.parametrize(
    ("description", "points"),
    [
        (
            "Arrays, linked lists, stacks, queues and graphs. Students should know basic C.",
            ["Arrays", "Linked lists", "Stacks", "Queues", "Graphs"],
        ),
        ("Модуль 1. Угрозы. Модуль 2. Защита. Подробнее потом.", ["Угрозы", "Защита"]),
        ("Мы разберём бюджет, накопления и алгебру…", ["бюджет", "накопления", "алгебра"]),
        ("The course covers loops, functions and classes.", ["loops", "functions", "classes"]),
        ("Для кого: студенты, аспиранты, преподаватели.", []),
        ("Курс простой, но полезный, хотя короткий, и весёлый.", []),
    ],
)
def test_topics_are_found_where_they_are_listed(description: str, points: list[str]) -> None:
    assert list(find_key_points(description)) == points


def test_topics_are_taught_in_their_order_with_the_goals_that_speak_of_them() -> None:
    course = Course(
        "c",
        "ML",
        language="en",
        description="Topics: linear models, decision trees, and model deployment.",
        learning_outcomes=("Explain the deployment of a model", "Present results"),
    )
    lessons = lessons_of(outline_of(course))
    assert [(lesson.title, len(lesson.goals)) for lesson in lessons] == [
        ("Introduction", 0),
        ("Linear models", 0),
        ("Decision trees", 0),
        ("Model deployment", 1),
        ("Present results", 1),
        ("Conclusion", 0),
    ]


def test_a_title_alone_gives_an_introduction_that_repeats_nothing() -> None:
    assert titles(Course("c", "Introduction to Graphs")) == [
        *("Introduction", "Graphs: basic notions", "Graphs: an example", "Graphs: practice", "Conclusion")
    ]
    made, finished = finish(Course("c", "Охрана труда: вводный инструктаж"))
    assert made.outline is not None
    assert made.outline.sections[0].lessons[1].title == "Охрана труда — вводный инструктаж: основные понятия"
    assert "- Введение" not in finished.text.split("## Что мы прошли")[-1]


@pytest.mark.parametrize(
    ("goals", "estimate", "sections"), [(1, 12, 3), (3, 12, 4), (8, 30, 9), (8, 8, 3), (8, 9, 2), (4, 5, 1), (20, 6, 3)]
)
def test_estimates_are_met_without_documents(goals: int, estimate: int, sections: int) -> None:
    outcomes = tuple(f"Освоить предмет номер{n}" for n in range(goals))
    course = Course("c", "К", "ru", learning_outcomes=outcomes, estimated_lessons=estimate, estimated_sections=sections)
    outline = outline_of(course)
    met: list[Section] = list(outline.sections)
    assert outline.notes or (abs(len(lessons_of(outline)) - estimate) <= 1 and abs(len(met) - sections) <= 1)
    assert (goals > 1) == (not outline.notes)
