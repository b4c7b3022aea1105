"""A goal goes to the lessons that are about its subject."""

import pytest

from pipeline.outline.goals import Described, find_stems, match_goals

FILLER = "Обычный текст урока без особых слов."


def served(goal: str, titles: list[str], texts: dict[str, str] | None = None) -> list[str]:
    return match([Described(title, (), "", [(texts or {}).get(title, FILLER)]) for title in titles], goal)


def match(lessons: list[Described], goal: str) -> list[str]:
    matched = match_goals([goal], lessons)
    return [lesson.title for lesson, goals in zip(lessons, matched, strict=True) if goals]


@pytest.mark.parametrize(
    ("goal", "titles", "expected"),
    [
        (
            "Объявлять переменные и выбирать типы данных",
            ["Преобразование типов", "Переменные", "Типы данных", "Циклы"],
            ["Переменные", "Типы данных"],
        ),
        ("Работать с исключениями", ["Основы CMake", "Исключения", "Работа с файлами"], ["Исключения"]),
        ("Работать с исключениями", ["Исключить лишнее", "Циклы"], []),
        ("Declare variables and choose data types", ["Loops", "Variables", "Data types"], ["Variables", "Data types"]),
        ("Work with exceptions", ["Work at home", "Exception handling"], ["Exception handling"]),
        ("Печь хлеб", ["Роли", "Права"], []),
    ],
)
def test_the_goals_own_noun_in_a_title_decides(goal: str, titles: list[str], expected: list[str]) -> None:
    assert served(goal, titles) == expected


def test_headings_within_a_lesson_and_its_section_count_after_titles() -> None:
    lessons = [
        Described("Основы", ["Индексы B-tree"], "Базы", [FILLER]),
        Described("Индексы", [], "Базы", [FILLER]),
        Described("Ещё основы", ["Индексы GiST"], "Базы", [FILLER]),
        Described("Дропаут", [], "Нейронные сети", [FILLER]),
        Described("Обучение", [], "Нейронные сети", [FILLER]),
    ]
    assert match(lessons, "Строить индексы") == ["Основы", "Индексы"]
    assert match([lessons[0], lessons[3]], "Строить индексы") == ["Основы"]
    assert match(lessons, "Строить нейронные сети") == ["Дропаут", "Обучение"]


def test_a_second_lesson_is_for_the_rest_of_the_goal() -> None:
    titles = ["Метод опорных векторов", "Метод опорных векторов, регрессия", "Деревья решений", "Бустинг"]
    assert served("Применять метод опорных векторов и деревья решений", titles) == [titles[0], titles[2]]


def test_without_a_title_the_text_that_has_the_words_most_often_decides() -> None:
    texts = {"Первый": "кредит и переплата", "Второй": "кредит, переплата. " * 20}
    assert served("Рассчитывать переплату по кредиту", ["Первый", "Второй", "Третий"], texts)[-1] == "Второй"


@pytest.mark.parametrize(
    "words",
    ["переменные переменных переменными", "исключение исключениями", "таблица таблиц таблицам", "queries query"],
)
def test_forms_of_a_word_have_one_stem(words: str) -> None:
    assert len(find_stems(words)) == 1


def test_verbs_have_none() -> None:
    assert find_stems("Уметь объявлять, работать и применять") == frozenset()
    assert find_stems("be able to use and apply") == frozenset()
