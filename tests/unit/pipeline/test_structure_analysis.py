"""The brief says what the course's fields say."""

import pytest

from pipeline.contract import Course, StageFailed, StageInput
from pipeline.language import choose_language
from pipeline.structure_analysis import handle, write_brief
from tests.unit.pipeline.builders import ignore


def test_brief_gathers_the_fields_in_the_language_of_the_course() -> None:
    course = Course(
        "c",
        " Основы  SQL ",
        description="Курс о запросах.",
        target_audience="аналитики",
        difficulty="beginner",
        lesson_duration_minutes=20,
        learning_outcomes=("Писать запросы", " Писать  запросы", "", "Читать план"),
    )
    brief = handle(StageInput(course, ""), ignore)
    assert brief.topic == "Основы SQL"
    assert brief.language == "ru"
    assert brief.audience == "аналитики"
    assert brief.summary == (
        "Курс о запросах.\n\nДля кого: аналитики. Уровень: начальный. Продолжительность урока: 20 мин."
    )
    assert brief.goals == ("Писать запросы", "Читать план")


def test_title_alone_is_enough_and_nothing_is_added() -> None:
    brief = write_brief(Course("c", "SQL"))
    assert (brief.topic, brief.audience, brief.summary, brief.goals, brief.key_points) == ("SQL", "", "", (), ())


@pytest.mark.parametrize(
    ("description", "points"),
    [
        ("Темы:\n- установка;\n- первые запросы.\n", ("установка", "первые запросы")),
        ("Темы: установка, запросы, индексы и планы. Дальше практика.", ("установка", "запросы", "индексы", "планы")),
        ("We cover: reading files, plotting, and sharing.", ("reading files", "plotting", "sharing")),
        ("Время встречи: 10:30, вторник", ()),
        ("Просто описание, в котором есть запятые, но нет перечня.", ()),
    ],
)
def test_key_points_are_lists_and_enumerations(description: str, points: tuple[str, ...]) -> None:
    assert write_brief(Course("c", "Курс", description=description)).key_points == points


def test_course_that_says_nothing_fails() -> None:
    with pytest.raises(StageFailed):
        write_brief(Course("c", "  "))


@pytest.mark.parametrize(
    ("language", "title", "expected"),
    [
        ("ru-RU", "SQL", "ru"),
        ("en", "Основы", "en"),
        (None, "Основы SQL", "ru"),
        ("", "SQL basics", "en"),
        ("de", "Основы", "de"),
    ],
)
def test_stated_language_goes_before_the_letters(language: str | None, title: str, expected: str) -> None:
    assert choose_language(Course("c", title, language=language)) == expected
