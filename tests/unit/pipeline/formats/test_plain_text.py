"""Headings of plain text are guessed modestly."""

import pytest
from hypothesis import given

from pipeline.formats.plain_text import guess_headings, read_plain_text
from tests.unit.pipeline.builders import TEXTS


def titles(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in guess_headings(text).headings]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Введение\n========\nТекст", 1),
        ("Введение\n--------", 2),
        ("Введение\n~~~~~~~~", 3),
        ("Часть I", 1),
        ("Глава 3. Права доступа", 2),
        ("Глава 3 Права доступа", 2),
        ("CHAPTER 12: Roles\ntext", 2),
        ("Лекция № 4", 3),
        ("Глава первая", 2),
        ("§ 5. Законы Ньютона\n\nТекст", 3),
        ("1. Введение\n\nТекст", 4),
        ("1.2 Title\n\nText", 5),
        ("Текст.\n\nОБЩИЕ ПОЛОЖЕНИЯ\n\nТекст.", 2),
        ("ОСНОВЫ РАБОТЫ\n\nТекст.", 1),
        ("Занятие 5. Сети\n\nТекст.", 3),
    ],
)
def test_heading_is_recognised(text: str, level: int) -> None:
    assert [found for found, _ in titles(text)] == [level]


@pytest.mark.parametrize(
    "text",
    [
        "Обычный абзац.",
        "Глава 3 показывает, как это сделать",
        "Глава 3. Права и роли,\nкоторые понадобятся",
        "текст\nГлава 3. Права",
        "1. Хлеб\n\n2. Молоко\n\n3. Соль.",
        "1. Хлеб\n2. Молоко",
        "1.2 Это уже целое предложение.",
        "2024 год",
        "Глава первая показывает, как",
        "§ 5 говорит, что",
        "ВНИМАНИЕ!\n\nТекст",
        "СССР\nбыл",
        "А Б В",
        "Имя | Возраст\nтекст\n-------------",
        "======\n------",
        "",
    ],
)
def test_ordinary_line_is_no_heading(text: str) -> None:
    assert titles(text) == []


def test_roman_numerals_that_count_on_number_headings() -> None:
    text = "I. Введение\n\nТекст\n\nII. Методы\n\nТекст"
    assert titles(text) == [(3, "I. Введение"), (3, "II. Методы")]
    assert titles("V. Petrov\n\nText") == []


def test_a_heading_may_begin_a_page() -> None:
    content = read_plain_text("Глава 1. Имя\n\nТекст\n\fГлава 2. Число\n\nТекст".encode())
    assert [heading.text for heading in content.headings] == ["Глава 1. Имя", "Глава 2. Число"]
    assert "\f" not in content.text


BOOK = "Книга\n\n{}\n\nВведение\n\nТекст\n\nГлава 1. Имя\n\nТекст"


@pytest.mark.parametrize(
    "contents",
    [
        "Введение ............ 5\nГлава 1. Имя ..... 17",
        "Введение . . . . . . 5\n\nГлава 1. Имя . . . . 17\n\nЧего нет . . . . . 20",
        "ОГЛАВЛЕНИЕ\n\nВступление\t5\nДлинное название,\nна двух строках …… 17",
        "Contents\nВступление      5\nИное      17",
        "СОДЕРЖАНИЕ\n\nВведение\nГлава 1. Имя",
    ],
)
def test_contents_are_left_out(contents: str) -> None:
    read = read_plain_text(BOOK.format(contents).encode())
    assert [line for line in read.text.split("\n") if line] == ["Книга", "Введение", "Текст", "Глава 1. Имя", "Текст"]
    assert [heading.text for heading in read.headings] == ["Глава 1. Имя"]


@pytest.mark.parametrize(
    "text",
    [
        "Хлеб ..... 35\nМолоко ..... 80\nСоль ... 12",
        "Хлеб ..... 35\nМолоко ..... 80",
        "Введение ..... 5\n\nВведение",
        "x = [1, 2, ... 10",
        "Содержание\n\nВведение\n\nТекст\n\nВведение",
    ],
)
def test_other_dots_stay(text: str) -> None:
    assert read_plain_text(text.encode()).text == text


def test_spaced_capitals_are_closed_up() -> None:
    content = read_plain_text("О Б Щ И Е  П О Л О Ж Е Н И Я\n\nА Б В\n\nТекст".encode())
    assert content.text == "ОБЩИЕ ПОЛОЖЕНИЯ\n\nА Б В\n\nТекст"
    assert [heading.text for heading in content.headings] == ["ОБЩИЕ ПОЛОЖЕНИЯ"]


def test_trailing_space_goes_from_every_line() -> None:
    assert read_plain_text(b"a  \nb\t\n\nc").text == "a\nb\n\nc"


@given(TEXTS)
def test_each_heading_starts_at_its_line(text: str) -> None:
    content = guess_headings(text)
    assert content.text == text
    for heading in content.headings:
        assert heading.start == 0 or text[heading.start - 1] == "\n"
        assert " ".join(text[heading.start :].partition("\n")[0].split()) == heading.text
