"""A title is one clean heading; what belongs to the form of a document is none."""

import pytest

from pipeline.contract import Course, Document
from pipeline.outline.names.furniture import Worth, judge_heading
from pipeline.outline.names.headings import name_headings
from pipeline.outline.names.titles import clean_title, clean_titles, tell_apart
from tests.unit.pipeline.builders import finish, lessons_of, markdown, outline_of

PARAGRAPH = "Обычное предложение о данных. " * 30


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("1.2 Вход", "Вход"),
        ("1.1. 1. Введение", "Введение"),
        ("§ 3. Законы Ньютона", "Законы Ньютона"),
        ("§4.1 Регрессия", "Регрессия"),
        ("I. Начало", "Начало"),
        ("IV.Конец", "Конец"),
        ("Тема 1.2. Угрозы", "Угрозы"),
        ("Лекция 0.5. Средства разработки", "Средства разработки"),
        ("Лекция №4: Деревья", "Деревья"),
        ("Глава первая. Приезд", "Приезд"),
        ("Вторая лекция: Графы", "Графы"),
        ("Chapter Two: Mere Copyists", "Mere Copyists"),
        ("Chapter 3 Trees", "Trees"),
        ("Раздел III.1. Жилые помещения", "Жилые помещения"),
        ("3.Основы", "Основы"),
        ("Введение ............ 5", "Введение"),
        ("Введение . . . . . . 12", "Введение"),
        ("Установка {#install}", "Установка"),
        ("Имена переменных [#variable-naming]", "Имена переменных"),
        ("История¶", "История"),
        ("В В Е Д Е Н И Е", "ВВЕДЕНИЕ"),
        ("Y. Решение задач", "Решение задач"),
        ("Управление \uf02d проекты", "Управление проекты"),
        # What only looks like a number, or is all that there is.
        ("Глава первая", "Глава первая"),
        ("Лекция №8", "Лекция №8"),
        ("3D-графика", "3D-графика"),
        ("10 заповедей", "10 заповедей"),
        ("C++ и C#", "C++ и C#"),
        ("Глава 3 показывает", "Глава 3 показывает"),
        ("Часть речи", "Часть речи"),
        ("Почему?", "Почему?"),
    ],
)
def test_titles_are_left_without_numbers_and_marks(text: str, title: str) -> None:
    assert clean_title(text) == title


@pytest.mark.parametrize(
    ("texts", "titles"),
    [
        (["1 Введение", "2 Регрессия", "3 Итоги"], ["Введение", "Регрессия", "Итоги"]),
        (["I Начало", "II Конец", "Приложение"], ["Начало", "Конец", "Приложение"]),
        (["7 Habits of Effective People", "Why"], ["7 Habits of Effective People", "Why"]),
    ],
)
def test_a_number_without_a_mark_is_numbering_where_it_counts_on(texts: list[str], titles: list[str]) -> None:
    assert clean_titles(texts) == titles


@pytest.mark.parametrize(
    "title",
    [
        *(
            "Содержание",
            "План лекции",
            "Итого",
            "Итоги",
            "Выводы:",
            "Спасибо за внимание!",
            "Контрольные вопросы",
            "Вопросы?",
        ),
        *(
            "Полезные ссылки",
            "Список использованной литературы",
            "Для тех, кто хочет почитать что-то еще",
            "Домашнее задание",
        ),
        *(
            "Table of contents",
            "Summary",
            "Key takeaways",
            "Thank you!",
            "Questions?",
            "Q&A",
            "Further reading",
            "See also",
        ),
        *("Review questions", "Exercises", "❚❘❙❚❘❙", "https://example.com", ", Name Three∗", "= 5", "42"),
    ],
)
def test_furniture_is_worth_no_name(title: str) -> None:
    assert judge_heading(title, is_last=False) is Worth.NONE


@pytest.mark.parametrize("title", ["Литература", "Ссылки", "References", "Links"])
def test_what_may_be_a_subject_is_furniture_at_the_end_alone(title: str) -> None:
    assert judge_heading(title, is_last=True) is Worth.NONE
    assert judge_heading(title, is_last=False) is Worth.GOOD


@pytest.mark.parametrize(
    "title", ["Указатели и ссылки", "Планы запросов", "Тесты на Python", "C++", "Контактная сеть", "SQL"]
)
def test_subjects_that_sound_like_furniture_are_names(title: str) -> None:
    assert judge_heading(title, is_last=False) is Worth.GOOD


@pytest.mark.parametrize("title", ["Лекция", "Семинар", "Lecture", "Выполнение лабораторной работы"])
def test_a_word_for_a_part_is_a_weak_name(title: str) -> None:
    assert judge_heading(title, is_last=False) is Worth.WEAK


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# Лабораторная работа №5\n\nИванов Пётр Сергеевич\n\n## Цель", "Лабораторная работа №5"),
        ("# Лабораторная работа №5\n\nИванов П. С.\n\nГрафы\n\n## Цель", "Лабораторная работа №5: Графы"),
        ("# Лекция №5\n\nП. С. Иванов\n\n## Цель", "Лекция №5"),
        ("# Лекция №5\n\nПушкин Александр Сергеевич\n\n## Юность", "Пушкин Александр Сергеевич"),
    ],
)
def test_an_author_is_no_subtitle(text: str, name: str) -> None:
    document = markdown(text)
    assert name_headings(document, document.headings)[0].text == name


def test_what_titles_share_with_their_contexts_is_said_once() -> None:
    contexts = ("Сервер: скорость", "Сервер: память")
    assert tell_apart(("Сервер: версии",) * 2, contexts) == ["Сервер: скорость: версии", "Сервер: память: версии"]


def test_what_may_be_a_subject_is_furniture_where_only_furniture_follows() -> None:
    slides = ("Указатели", "Ссылки", "Массивы", "Ссылки", "Спасибо за внимание", "Контрольные вопросы")
    lecture = markdown("".join(f"# {slide}\n\nТекст.\n\n" for slide in slides))

    worths = [name.worth for name in name_headings(lecture, lecture.headings)]

    assert worths == [Worth.GOOD] * 3 + [Worth.NONE] * 3


def test_what_stands_below_a_mere_number_is_its_name() -> None:
    document = markdown(
        "# Лекция №8\n\n- Деревья решений.\n\n## Определение\n\nТекст.\n\n# Лабораторная работа №2\n\nЦиклы.\n\n"
        "## Ход\n\n# Глава 1\n\n## Начало\n\nТекст.\n\n# Глава 2\n\nПервое предложение главы.\n\n" + "Второе. " * 50
    )
    names = [
        name.text for name in name_headings(document, document.headings) if name.text not in {"Определение", "Ход"}
    ]
    assert names == ["Деревья решений", "Лабораторная работа №2: Циклы", "Начало", "Начало", "Глава 2"]


@pytest.mark.parametrize(
    ("document", "section"),
    [
        (markdown("# Индексы\n\n## А\n\nТекст.", "x1.md"), "Индексы"),
        (Document("1", "f3a9.pdf", "", "Текст.", title="Базы данных"), "Базы данных"),
        (Document("1", "lecture_2.pptx", "", "Текст.", title="PowerPoint Presentation"), "Lecture 2"),
        (Document("1", "Основы_права (1).docx", "", "Текст.", title="Microsoft Word - 1.doc"), "Основы права"),
        (markdown("# Лекция 6. Деревья\n\nА.\n\n# 1 Критерии\n\nБ.", "lecture06-trees.md"), "Деревья"),
        (markdown("Физика твёрдого тела\n\nТекст. Ещё.\n", "q1.md"), "Физика твёрдого тела"),
        (markdown("Обычное начало текста, который продолжается.\n\nЕщё.", "doc.md"), "Курс"),
    ],
)
def test_a_document_is_called_what_it_calls_itself(document: Document, section: str) -> None:
    assert [made.title for made in outline_of(Course("c", "Курс"), document).sections] == [section]


def test_lessons_and_questions_are_about_subjects() -> None:
    document = markdown(
        f"# Курс\n\n## Содержание\n\n1. Всё\n\n## Переменные\n\n{PARAGRAPH}\n\n### Типы\n\n{PARAGRAPH}\n\n## Итого\n\n"
        f"{PARAGRAPH}\n\n## Полезные ссылки\n\n{PARAGRAPH}\n\n## Спасибо за внимание\n\nДа."
    )
    given, finished = finish(Course("c", "Курс", estimated_lessons=2), document)
    assert given.outline is not None
    assert [lesson.title for lesson in lessons_of(given.outline)] == ["Переменные", "Типы"]
    asked = [line for line in finished.text.split("\n") if line[:1].isdigit() and "тем" in line]
    assert asked
    assert not any(word in line for line in asked for word in ("Содержание", "Итого", "ссылки", "Спасибо"))


def test_a_lesson_of_several_topics_has_one_heading_and_a_section_says_so() -> None:
    document = markdown(
        "# Книга\n\n" + "".join(f"## Тема {name}\n\n{PARAGRAPH}\n\n" for name in ("раз", "два", "три", "пять"))
    )
    outline = outline_of(Course("c", "Курс", estimated_lessons=2, estimated_sections=2), document)
    assert [section.title for section in outline.sections] == ["Тема раз и другое", "Тема три и другое"]
    assert [lesson.title for lesson in lessons_of(outline)] == ["Тема раз", "Тема три"]
