"""Lines are headings by their words, fonts, tags and bookmarks; what only looks like one is not."""

import pytest

from pipeline.formats.content import Content
from pipeline.formats.pdf.headings.plausible import can_be_heading
from pipeline.formats.pdf.layout import lay_out
from pipeline.formats.pdf.lines import Bookmark, Font, Line
from pipeline.formats.pdf.reader import read_pdf
from tests.unit.pipeline.formats.made_files import Pdf
from tests.unit.pipeline.formats.pdf.test_layout import FULL, FULL_END, shape

REGULAR, BOLD = Font("Regular"), Font("Bold", 700, is_bold=True)


def titles(content: Content) -> list[str]:
    return [heading.text for heading in content.headings]


@pytest.mark.parametrize(
    "title", ["ГЛАВА 2. ОСНОВНЫЕ ПОНЯТИЯ", "§ 5. Законы Ньютона", "Лекция 3. Индексы", "2.1 Планы запросов", "Введение"]
)
def test_words_make_a_heading_of_a_line_that_stands_apart(title: str) -> None:
    pdf = Pdf().lines(*[FULL, FULL_END] * 2).line(title, left=250, gap=1).line(FULL, gap=1).lines(FULL_END)
    assert titles(read_pdf(pdf.finish())) == [title]


def test_the_same_words_within_the_text_do_not() -> None:
    assert titles(read_pdf(Pdf().lines(FULL, "Глава 2. Основы", FULL_END, "§ 5. Законы", FULL).finish())) == []


def test_numbered_clauses_are_no_headings() -> None:
    pdf = Pdf().lines(FULL, FULL_END)
    for number in range(1, 5):
        pdf.line(f"2.{number} Стороны соблюдают пункт {number}", gap=1)
    assert titles(read_pdf(pdf.line(FULL, gap=1).lines(FULL_END).finish())) == []


def test_capitals_are_a_heading_in_the_middle_of_the_column() -> None:
    centred = Pdf().lines(*[FULL, FULL_END]).line("ОБЩИЕ ПОЛОЖЕНИЯ", left=200, gap=1).line(FULL, gap=1).lines(FULL_END)
    left = Pdf().lines(*[FULL, FULL_END]).line("ВНИМАНИЮ ЧИТАТЕЛЕЙ", gap=1).line(FULL, gap=1).lines(FULL_END)
    assert titles(read_pdf(centred.finish())) == ["ОБЩИЕ ПОЛОЖЕНИЯ"]
    assert titles(read_pdf(left.finish())) == []


def test_spaced_letters_become_a_word() -> None:
    pdf = Pdf().line("В В Е Д Е Н И Е", bold=True).line(FULL, gap=1).lines(*[FULL_END, FULL] * 3)
    pdf.line("С П И С О К   Л И Т Е Р А Т У Р Ы", bold=True, gap=1).line(FULL, gap=1)
    assert titles(read_pdf(pdf.finish())) == ["ВВЕДЕНИЕ", "СПИСОК ЛИТЕРАТУРЫ"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Оценивание качества моделей", True),
        ("C++ и указатели", True),
        ("Рисунки Леонардо", True),
        ("Май 1968 года во Франции", True),
        ("Figure 11. Fraction of dynamic bytecodes", False),
        ("Рис. 1. Регрессионные кривые", False),
        ("Таблица 3 – Результаты", False),
        ("23 апреля 2017 г.", False),
        ("May 3, 2011", False),
        ("Е. А. Соколов", False),
        ("Серегин Денис Алексеевич", False),
        (", Name Three∗", False),
        ("T", False),
        ("Qₙ", False),
        ("𝑎₁ 𝑐₁ = 𝑏", False),
        ("Плотность заряда 𝜎 =", False),
        ("❚❘❙❚❘❙ ❚❘❙❚❘❙", False),
        ("mail@example.com", False),
        ("Введение . . . . . . 5", False),
        ("page 1 / 2", False),
    ],
)
def test_words_can_rule_out_a_heading(text: str, expected: bool) -> None:
    assert can_be_heading(text) is expected


def test_authors_under_a_title_are_no_headings() -> None:
    pdf = Pdf().line("Деревья решений", 20).line("Иван Петров, Анна Смит", 14).line("Институт математики", 14)
    pdf.lines(*[FULL, FULL_END] * 2)
    for title in ("Индексы", "Планы"):
        pdf.line(title, 16).lines(*[FULL, FULL_END] * 2)
    assert titles(read_pdf(pdf.finish())) == ["Деревья решений", "Индексы", "Планы"]


def test_a_drop_cap_belongs_to_its_word() -> None:
    pdf = (
        Pdf().line("Глава первая", 17, bold=True).at(60, 700, "П", 40).at(90, 722, "ервая строка обтекает буквицу,", 10)
    )
    pdf.at(90, 708, "а за ней идёт вторая.", 10).top().line("", gap=7).lines(FULL, FULL_END)
    content = read_pdf(pdf.finish())
    assert titles(content) == ["Глава первая"]
    assert "Первая строка обтекает буквицу, а за ней идёт вторая." in content.text


def test_bold_words_at_the_beginning_of_a_paragraph_are_no_heading() -> None:
    pdf = Pdf()
    for _ in range(3):
        pdf.line("Бэггинг и случайный лес.", bold=True)
        pdf.at(190, pdf.canvas._pagesize[1] - 80 - 14, "Далее", 10)
        pdf.lines(*[FULL, FULL_END] * 4).page()
    assert titles(read_pdf(pdf.finish())) == []


def test_bold_is_seen_in_names_of_fonts_of_tex() -> None:
    from pipeline.formats.pdf.extraction.fonts import says_bold, says_mono

    assert all(map(says_bold, ["SFBX1440", "CMBX12", "SFSX1728", "NimbusRomNo9L-Medi", "Arial,Bold", "LMRoman10-Bold"]))
    assert not any(map(says_bold, ["SFRM1200", "CMR10", "Medium-Regular", "CMMI8", "ArialMT"]))
    assert all(map(says_mono, ["SFTT1095", "CMTT10", "Courier", "DejaVuSansMono", "Consolas"]))
    assert not any(map(says_mono, ["MonotypeCorsiva", "CMR10", "TimesNewRoman"]))


def line(text: str, bottom: float, font: Font = REGULAR, size: float = 10.0, tag: int = 0) -> Line:
    return Line(0, text, size, font, 60, 60 + 5 * len(text), bottom, bottom + size, tag=tag)


@pytest.mark.parametrize(
    "bookmark, shown",
    [
        ("Introduction", "1 Introduction"),
        ("Listing the parts", "4.2. Listing the parts"),
        ("Variations", "XIV. Variations"),
        ("I. Civil law", "Civil law"),
        ("Contents of a page", "Contents of a page"),
    ],
)
def test_numbers_of_bookmarks_and_lines_may_differ(bookmark: str, shown: str) -> None:
    lines = [line(FULL, 760), line(FULL_END, 746), line(shown, 732), line(FULL, 718), line(FULL_END, 704)]
    assert titles(lay_out([lines], [Bookmark(0, 1, bookmark)])) == [shown]


def test_close_bookmarks_leave_other_fonts_no_heading() -> None:
    lines, bookmarks = [], []
    for number, title in enumerate(("Запросы", "Индексы", "Планы", "Память")):
        top = 800 - 150 * number
        lines += [line(title, top, BOLD, 16.0), line(FULL, top - 40), line("Мелочи", top - 60, BOLD, 12.0)]
        lines += [line(FULL, top - 80), line(FULL_END, top - 94)]
        bookmarks.append(Bookmark(0, 1, f"{number + 1}. {title}"))
    assert titles(lay_out([lines], bookmarks)) == ["Запросы", "Индексы", "Планы", "Память"]
    assert len(lay_out([lines], []).headings) == 8


def test_tags_make_headings_and_contents() -> None:
    lines = [
        line("Оглавление 1", 800, tag=-1),
        line("О базах данных", 700, tag=2),
        line(FULL, 686),
        line(FULL_END, 672),
    ]
    content = lay_out([lines], [])
    assert shape(content) == [(2, "О базах данных")]
    assert "Оглавление" not in content.text


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Основы баз данных", ["Основы баз данных"]), ("Microsoft Word - лекция.doc", []), ("untitled", []), ("", [])],
)
def test_the_title_property_heads_a_text_without_a_title(title: str, expected: list[str]) -> None:
    pdf = Pdf()
    pdf.canvas.setTitle(title)
    assert titles(read_pdf(pdf.lines(FULL, FULL_END).finish())) == expected


@pytest.mark.parametrize("size", [18, 10])
def test_the_title_property_is_not_repeated(size: float) -> None:
    pdf = Pdf()
    pdf.canvas.setTitle("Основы баз данных")
    content = read_pdf(pdf.line("Основы баз данных", size).line(FULL, gap=1).lines(FULL_END).finish())
    assert (titles(content), content.title) == (["Основы баз данных"], "Основы баз данных")
