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
        ("1. Введение\n\nТекст", 4),
        ("1.2 Title\n\nText", 5),
        ("Текст.\n\nОБЩИЕ ПОЛОЖЕНИЯ\n\nТекст.", 2),
        ("ОСНОВЫ РАБОТЫ\n\nТекст.", 1),
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


def test_trailing_space_goes_from_every_line() -> None:
    assert read_plain_text(b"a  \nb\t\n\nc").text == "a\nb\n\nc"


@given(TEXTS)
def test_each_heading_starts_at_its_line(text: str) -> None:
    content = guess_headings(text)
    assert content.text == text
    for heading in content.headings:
        assert heading.start == 0 or text[heading.start - 1] == "\n"
        assert " ".join(text[heading.start :].partition("\n")[0].split()) == heading.text
