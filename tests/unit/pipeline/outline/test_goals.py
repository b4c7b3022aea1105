"""A goal goes to the lessons that are about its subject."""

import pytest

from pipeline.outline.goals import find_stems, match_goals

FILLER = ("Обычный текст урока без особых слов.",)


def served(goal: str, titles: list[str], texts: dict[str, str] | None = None) -> list[str]:
    pieces = [((texts or {}).get(title, FILLER[0]),) for title in titles]
    matched = match_goals([goal], titles, [[] for _ in titles], pieces)
    return [title for title, goals in zip(titles, matched, strict=True) if goals]


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


def test_a_heading_within_a_lesson_counts_after_titles() -> None:
    titles, headings = ["Основы", "Индексы", "Ещё основы"], [["Индексы B-tree"], [], ["Индексы GiST"]]
    matched = match_goals(["Строить индексы"], titles, headings, [FILLER] * 3)
    assert [bool(goals) for goals in matched] == [True, True, False]
    assert match_goals(["Строить индексы"], ["Основы", "Роли"], headings[:2], [FILLER] * 2) == [
        ("Строить индексы",),
        (),
    ]


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
