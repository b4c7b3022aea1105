"""What belongs to the pages and not to the text is left out: heads, numbers, stamps, tables of contents."""

import pytest

from pipeline.formats.pdf.layout import lay_out
from pipeline.formats.pdf.lines import Font, Line
from pipeline.formats.pdf.reader import read_pdf
from tests.unit.pipeline.formats.made_files import Pdf
from tests.unit.pipeline.formats.pdf.test_layout import FULL, FULL_END, shape

CHAPTERS = ("Введение в сети", "Модель OSI", "Протоколы")


def test_heads_in_a_larger_font_are_dropped() -> None:
    pdf = Pdf()
    for number in range(5):
        pdf.at(200, 815, "ЧЕРНОВИК ИЗДАТЕЛЬСТВА", 14)
        if number in (0, 3):
            pdf.line(f"Глава {1 + number // 3}. Основы", 17, bold=True)
        pdf.lines(*[FULL, FULL_END] * 4).page()
    assert shape(read_pdf(pdf.finish())) == [(1, "Глава 1. Основы"), (1, "Глава 2. Основы")]


def test_heads_that_change_with_short_chapters_are_dropped() -> None:
    pdf = Pdf()
    for number in range(6):
        pdf.at(60, 815, CHAPTERS[number // 2], 9).at(520, 815, str(number + 10), 9)
        if number % 2 == 0:
            pdf.line(CHAPTERS[number // 2], 17, bold=True)
        pdf.lines(*[FULL, FULL_END] * 6).page()
    content = read_pdf(pdf.finish())
    assert [title for _, title in shape(content)] == list(CHAPTERS)
    assert [content.text.count(title) for title in CHAPTERS] == [1, 1, 1]
    assert not any(char.isdigit() for char in content.text)


def test_heads_of_every_other_page_are_dropped() -> None:
    pdf = Pdf()
    for number in range(8):
        pdf.at(60, 815, ("Издательство «Наука»", "Курс физики")[number % 2], 14)
        pdf.lines(*[FULL, FULL_END] * 4).page()
    assert read_pdf(pdf.finish()).headings == ()


def test_a_title_that_comes_again_on_slides_stays() -> None:
    pdf = Pdf()
    for title in ("Индексы", "Решение", "Запросы", "Решение", "Планы", "Решение", "Итоги"):
        pdf.line(title, 24).lines(*[FULL, FULL_END] * 2).page()
    assert [title for _, title in shape(read_pdf(pdf.finish()))].count("Решение") == 3


def test_headings_that_begin_each_page_and_count_on_stay() -> None:
    pdf = Pdf()
    for number in range(1, 5):
        pdf.line(f"§ {number}. Задачи о сетях", bold=True).lines(*[FULL, FULL_END] * 2).page()
    assert [title for _, title in shape(read_pdf(pdf.finish()))] == [
        f"§ {number}. Задачи о сетях" for number in range(1, 5)
    ]


def test_first_lines_that_repeat_within_the_text_stay() -> None:
    pdf = Pdf()
    for number in (1, 2, 3):
        pdf.line(f"Параграф {number}", 15).lines("Каждый параграф начинается одинаково.", FULL, FULL_END).page()
    assert read_pdf(pdf.finish()).text.count("Каждый параграф начинается одинаково.") == 3


@pytest.mark.parametrize("angle", [90, 270])
def test_a_stamp_across_the_margin_is_dropped(angle: int) -> None:
    pdf = Pdf()
    pdf.canvas.saveState()
    pdf.canvas.translate(30, 250)
    pdf.canvas.rotate(angle)
    pdf.at(0, 0, "archive:2401.00001v1", 20)
    pdf.canvas.restoreState()
    content = read_pdf(pdf.line("Заголовок статьи", 17).lines(*[FULL, FULL_END] * 4).finish())
    assert shape(content) == [(1, "Заголовок статьи")]
    assert "archive" not in content.text


@pytest.mark.parametrize(("text", "expected"), [("❚❘❙❚❘❙❚ ❘❙❚", ""), ("☺", "☺"), ("= 2 · 3 + 4", "= 2 · 3 + 4")])
def test_bar_codes_are_dropped_and_signs_are_not(text: str, expected: str) -> None:
    lines = [Line(0, row, 10.0, Font(), 60, 300, 700 - at, 710 - at) for at, row in ((0, FULL), (60, text))]
    assert lay_out([lines], []).text == f"{FULL}\n\n{expected}".strip()


def test_numbers_of_lines_are_dropped() -> None:
    pdf = Pdf().lines(*[FULL, FULL_END] * 5)
    for number in range(10):
        pdf.at(20, 748 - 14 * number, str(number + 1))
    text = read_pdf(pdf.finish()).text
    assert text == " ".join([FULL, FULL_END] * 5)


def test_a_page_that_is_turned_is_read_as_it_is_meant() -> None:
    pdf = Pdf()
    pdf.canvas.translate(595, 0)
    pdf.canvas.rotate(90)
    text = read_pdf(pdf.line("Широкая таблица", 17).lines(FULL, FULL_END, FULL, "и времени.").finish()).text
    assert text == f"# Широкая таблица\n\n{FULL} {FULL_END} {FULL} и времени."


def contents(*entries: str) -> Pdf:
    pdf = Pdf().line("Содержание", 17, bold=True)
    for entry in entries:
        pdf.line(entry)
    return pdf.page()


def test_table_of_contents_is_dropped() -> None:
    leaders = ". " * 30
    pdf = contents(
        f"1 Введение {leaders}3", "1.1 Цели курса, которые", f"не уместились {leaders}4", f"2 Основы {leaders}9"
    )
    text = read_pdf(pdf.line("1 Введение", 17, bold=True).lines(FULL, FULL_END).finish()).text
    assert text == f"# 1 Введение\n\n{FULL} {FULL_END}"


def test_table_of_contents_names_headings_that_look_like_text() -> None:
    titles = ("1 Сети", "1.1 Модель OSI", "2 Протоколы")
    pdf = contents(*(f"{title} {'.' * 40} {page}" for page, title in enumerate(titles, start=2)))
    for title in titles:
        pdf.line(title).lines(*[FULL, FULL_END] * 2)
    content = read_pdf(pdf.finish())
    assert shape(content) == [(1, "1 Сети"), (2, "1.1 Модель OSI"), (1, "2 Протоколы")]
    assert "Содержание" not in content.text


def test_leaders_within_the_text_are_no_table_of_contents() -> None:
    assert "Подпись ........ 2024" in read_pdf(Pdf().lines(FULL, FULL_END, "Подпись ........ 2024", FULL).finish()).text
