"""Pages become headings and paragraphs again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats.content import Content
from pipeline.formats.pdf.layout import lay_out
from pipeline.formats.pdf.lines import Bookmark, Line
from pipeline.formats.pdf.reader import read_pdf
from tests.unit.pipeline.builders import BOOKMARKS, ODD_LINES, PRINTED_LINES
from tests.unit.pipeline.formats.made_files import Pdf, pdf_of

FULL = "Планировщик выбирает порядок соединения таблиц по собранной статистике и памяти,"
FULL_END = "поэтому после большой загрузки стоит обновить статистику, не дожидаясь сервера."


def shape(content: Content) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in content.headings]


def test_lines_are_joined_to_paragraphs() -> None:
    text = read_pdf(pdf_of(FULL, FULL_END, FULL, "и времени.", FULL, "а также диска.")).text
    assert text == f"{FULL} {FULL_END} {FULL} и времени.\n\n{FULL} а также диска."


def test_gap_and_indent_begin_paragraphs() -> None:
    pdf = Pdf().line(FULL).line(FULL_END).line(FULL, gap=1).line(FULL_END).line(FULL, left=80).line("конец.")
    assert read_pdf(pdf.finish()).text.split("\n\n") == [f"{FULL} {FULL_END}", f"{FULL} {FULL_END}", f"{FULL} конец."]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Индексы ускоряют выпол-", "нение запросов."), "Индексы ускоряют выполнение запросов."),
        (("Это случилось из-", "за статистики."), "Это случилось из-за статистики."),
        (("Спросите кого-", "нибудь другого."), "Спросите кого-нибудь другого."),
        (("Система клиент-", "сервер, то есть клиент-сервер."), "Система клиент-сервер, то есть клиент-сервер."),
        (("Язык SQL-", "92 описан."), "Язык SQL-92 описан."),
        (("Дом построен в Москва-", "Сити."), "Дом построен в Москва-Сити."),
        (("Стоит 5 -", "6 рублей."), "Стоит 5 - 6 рублей."),
    ],
)
def test_divided_words_become_whole(lines: tuple[str, ...], expected: str) -> None:
    assert read_pdf(pdf_of(*lines)).text == expected


def test_paragraph_goes_on_over_the_page() -> None:
    text = read_pdf(Pdf().lines(FULL, "потому что сервер").page().lines("знает её.", FULL, FULL_END).finish()).text
    assert text.startswith(f"{FULL} потому что сервер знает её.")


def test_larger_fonts_are_headings() -> None:
    pdf = Pdf().line("Базы данных", 20).line("Запросы", 15).lines(FULL, FULL_END).line("Индексы", 15).lines(FULL)
    content = read_pdf(pdf.line("Длинное название раздела,", 15).line("которое не уместилось", 15).lines(FULL).finish())
    assert shape(content) == [
        (1, "Базы данных"),
        (2, "Запросы"),
        (2, "Индексы"),
        (2, "Длинное название раздела, которое не уместилось"),
    ]


def test_bold_lines_that_stand_alone_are_headings() -> None:
    pdf = Pdf()
    for title in ("Запросы", "Индексы"):
        pdf.line(title, bold=True, gap=1).lines(*[FULL, FULL_END] * 3)
    pdf.line("Внимание: это важно для всех читателей.", bold=True).lines(FULL, FULL_END)
    assert shape(read_pdf(pdf.finish())) == [(1, "Запросы"), (1, "Индексы")]


def test_bookmarks_outweigh_fonts() -> None:
    pdf = Pdf().line("Первая глава", 14, level=0).lines(FULL).line("Её часть", level=1).lines(FULL, FULL_END)
    pdf.page().line("Вторая глава", 14, level=0).lines(FULL).line("Мелочи", 12).lines(FULL, FULL_END)
    assert shape(read_pdf(pdf.finish())) == [(1, "Первая глава"), (2, "Её часть"), (1, "Вторая глава"), (2, "Мелочи")]


def test_running_heads_and_page_numbers_are_dropped() -> None:
    pdf = Pdf()
    for number in range(1, 6):
        pdf.at(60, 800, "Курс по базам данных").at(500, 30, f"Стр. {number}")
        pdf.lines(FULL, f"Страница {number} рассказывает о своём.", FULL, FULL_END).page()
    text = read_pdf(pdf.finish()).text
    assert "Курс по базам" not in text
    assert "Стр." not in text
    assert [text.count(f"Страница {number} ") for number in range(1, 6)] == [1] * 5


def test_heads_of_two_pages_are_small_or_numbered() -> None:
    pdf = Pdf()
    for number in (1, 2):
        pdf.at(60, 800, "Памятка").at(500, 30, f"{number}").lines("Одинаковое начало.", FULL, FULL_END).page()
    text = read_pdf(pdf.finish()).text
    assert "Памятка" not in text
    assert text.count("Одинаковое начало.") == 2
    assert not any(char.isdigit() for char in text)


def test_equal_lines_inside_of_pages_stay() -> None:
    pdf = Pdf()
    for _ in range(4):
        pdf.lines(*[FULL, FULL_END] * 3, "Одинаковая строка.", *[FULL, FULL_END] * 3).page()
    assert read_pdf(pdf.finish()).text.count("Одинаковая строка.") == 4


def test_columns_are_read_one_after_the_other() -> None:
    left = ("Первый столбец рассказывает о том,", "как сервер читает таблицу.")
    right = ("Второй столбец рассказывает о том,", "как сервер читает индекс.")
    pdf = Pdf().lines(*left).top().lines(*right, left=320)
    assert read_pdf(pdf.finish()).text == f"{' '.join(left)}\n\n{' '.join(right)}"


def test_list_items_are_told_apart() -> None:
    text = read_pdf(pdf_of("Есть три способа.", "• читать таблицу", "• читать индекс", "1) не читать ничего")).text
    assert text.split("\n\n") == ["Есть три способа.", "- читать таблицу", "- читать индекс", "1) не читать ничего"]


def test_rows_stay_lines() -> None:
    assert read_pdf(pdf_of(FULL, FULL_END, "id bigint", "Name text", "Price numeric")).text.endswith(
        "id bigint\nName text\nPrice numeric"
    )


@given(st.lists(st.lists(PRINTED_LINES, max_size=12), min_size=1, max_size=2), BOOKMARKS)
def test_nothing_is_lost_or_doubled(pages: list[list[Line]], bookmarks: list[Bookmark]) -> None:
    if len(pages) > 1:
        pages[1] = [replace(line, page=1, text=f"{line.text} другое{at}") for at, line in enumerate(pages[1])]
    content = lay_out(pages, bookmarks)
    assert _letters(content.text) == _letters("".join(line.text for page in pages for line in page))


@given(st.lists(st.lists(PRINTED_LINES, max_size=12), min_size=1, max_size=2), BOOKMARKS)
def test_each_heading_starts_at_its_line(pages: list[list[Line]], bookmarks: list[Bookmark]) -> None:
    content = lay_out(pages, bookmarks)
    for heading in content.headings:
        assert 1 <= heading.level <= 6
        assert content.text[heading.start :].startswith(f"{'#' * heading.level} {heading.text}")
        assert heading.start == 0 or content.text[heading.start - 1] == "\n"


@given(st.lists(st.lists(ODD_LINES, max_size=8), max_size=3), BOOKMARKS)
def test_no_page_is_too_odd(pages: list[list[Line]], bookmarks: list[Bookmark]) -> None:
    content = lay_out(pages, bookmarks)
    assert all(content.text[heading.start :].startswith("#") for heading in content.headings)


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
