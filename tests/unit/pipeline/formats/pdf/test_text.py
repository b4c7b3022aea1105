"""Numbers, code, tables, fields and odd characters come through as they are meant."""

from typing import Any

import pytest
from reportlab.pdfbase import pdfmetrics

from pipeline.formats.pdf.reader import read_pdf
from tests.unit.pipeline.formats.made_files import Pdf, raw_pdf, stream
from tests.unit.pipeline.formats.pdf.test_layout import FULL, FULL_END


def written(*parts: tuple[str, float, float]) -> str:
    """The text of a page with a line of parts, each with its size and its rise, above a paragraph."""
    pdf = Pdf()
    left = 60.0
    for text, size, rise in parts:
        pdf.at(left, 780 + rise, text, size)
        left += pdfmetrics.stringWidth(text, "Regular", size)
    return read_pdf(pdf.line("", gap=3).lines(FULL, FULL_END).finish()).text.split("\n\n")[0]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("Скорость света 3·10", 10, 0), ("8", 6, 4), (" м/с.", 10, 0)], "Скорость света 3·10⁸ м/с."),
        ([("Всего 2", 10, 0), ("−10", 6, 4), (" долей.", 10, 0)], "Всего 2⁻¹⁰ долей."),
        ([("Формула воды H", 10, 0), ("2", 6, -2), ("O.", 10, 0)], "Формула воды H₂O."),
        ([("Сказано у Кодда", 10, 0), ("12", 6, 4), (", и не раз.", 10, 0)], "Сказано у Кодда¹², и не раз."),
        ([("Пусть x", 10, 0), ("AB", 6, 4), (" растёт.", 10, 0)], "Пусть x^(AB) растёт."),
        ([("Мелкий ", 10, 0), ("шрифт", 7, 0), (" в строке.", 10, 0)], "Мелкий шрифт в строке."),
    ],
)
def test_scripts_are_not_glued_to_what_they_stand_at(parts: list[tuple[str, float, float]], expected: str) -> None:
    assert written(*parts) == expected


def test_characters_of_no_meaning_spoil_no_file() -> None:
    pdf = Pdf().lines(FULL, FULL_END).line("\uf8f1", gap=2).page().lines("Снова текст.", FULL)
    assert read_pdf(pdf.finish()).text.endswith(f"Снова текст.\n\n{FULL}")


def code_of(*lines: str, left: float = 60) -> str:
    pdf = Pdf().lines(FULL, FULL_END).line("", gap=1)
    for at, text in enumerate(lines):
        pdf.canvas.setFont("Courier", 10)
        pdf.canvas.drawString(left, 680 - 12 * at, text)
    return read_pdf(pdf.top().line("", gap=20).lines(FULL, FULL_END).finish()).text


def test_code_keeps_its_lines_and_indentation() -> None:
    lines = ("def main():", "    for i in range(10):", "        print(i)", "", "    return 0")
    assert "```\n" + "\n".join(lines) + "\n```" in code_of(*lines)
    assert "```\n" + "\n".join(lines) + "\n```" in code_of(*lines, left=90)


def test_code_keeps_its_columns() -> None:
    assert "```\nx   = 1   # one\nabc = 22  # two\n```" in code_of("x   = 1   # one", "abc = 22  # two")


def test_code_with_a_fence_is_fenced_by_a_longer_one() -> None:
    assert "````\nprint('''x''')\n```\n````" in code_of("print('''x''')", "```")


def table_of(rows: list[list[str]], lefts: tuple[float, ...] = (60, 220, 380)) -> str:
    """The text of a page with these cells written in rows; a cell with a newline has two lines."""
    pdf = Pdf().lines(FULL, FULL_END)
    top = 680.0
    for row in rows:
        for left, cell in zip(lefts, row, strict=False):
            for at, text in enumerate(cell.split("\n")):
                pdf.at(left, top - 12 * at, text, 10)
        top -= 12 * max(cell.count("\n") + 1 for cell in row) + 4
    return read_pdf(pdf.top().line("", gap=25).lines(FULL, FULL_END).finish()).text


@pytest.mark.parametrize(
    "rows",
    [
        [["Страна", "Столица", "Жители"], ["Россия", "Москва", "146"], ["Франция", "Париж", "68"]],
        [["Термин", "Смысл"], ["SQL", "Язык\nзапросов"], ["DDL", "Описание\nданных"], ["DML", "Изменение"]],
        [["Очень длинный\nтермин", "Смысл"], ["Ещё один\nтермин", "Язык"], ["Третий\nтермин", "Слово"]],
    ],
)
def test_tables_have_a_line_a_row(rows: list[list[str]]) -> None:
    lines = table_of(rows).split("\n")
    assert [line for line in lines if line.startswith("| ") and "---" not in line] == [
        f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |" for row in rows
    ]


def test_fractions_are_no_cells() -> None:
    pdf = Pdf().lines(FULL, FULL_END)
    for row, letter in enumerate("xyz"):
        top = 600 - 40 * row
        pdf.at(60, top, f"|{letter}| =").at(77, top + 7, "1").at(77, top - 7, "2").at(84, top, "p, где p - доля")
    assert read_pdf(pdf.finish()).text.split("\n\n")[1] == "\n".join(
        f"|{letter}| = 1 2 p, где p - доля" for letter in "xyz"
    )


def test_two_columns_of_text_are_no_table() -> None:
    left = [f"Первый столбец рассказывает о том {at}," for at in range(12)]
    right = [f"а второй уже совсем о другом деле {at}." for at in range(12)]
    assert "|" not in table_of([list(pair) for pair in zip(left, right, strict=True)], lefts=(60, 320))


def field(canvas: Any, kind: str, **options: Any) -> None:
    getattr(canvas.acroForm, kind)(name=kind, x=160, y=775, **options)


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("textfield", {"value": "Ivan Petrov", "width": 200, "height": 14}, "Имя студента: Ivan Petrov"),
        ("choice", {"value": "B", "options": ["A", "B"], "width": 90, "height": 14}, "Имя студента: B"),
        ("checkbox", {"checked": True, "size": 14}, "Имя студента: [x]"),
        ("checkbox", {"checked": False, "size": 14}, "Имя студента:"),
    ],
)
def test_values_of_fields_stand_at_their_place(kind: str, options: dict[str, Any], expected: str) -> None:
    pdf = Pdf().at(60, 778, "Имя студента:", 10)
    field(pdf.canvas, kind, **options)
    assert read_pdf(pdf.line("", gap=3).lines(FULL, FULL_END).finish()).text.split("\n\n")[0] == expected


TAGGED = {
    1: b"<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>/StructTreeRoot 5 0 R>>",
    2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
    3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/StructParents 0/Contents 4 0 R"
    b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
    4: stream(
        b"/H2 <</MCID 0>> BDC BT /F 10 Tf 20 250 Td (Indexes) Tj ET EMC\n"
        b"/P <</MCID 1>> BDC BT /F 10 Tf 20 230 Td (They make queries fast.) Tj ET EMC\n"
        b"/Figure <</MCID 2>> BDC 20 100 50 50 re f EMC\n"
        b"/P <</MCID 3>> BDC BT /F 10 Tf 20 50 Td (The end.) Tj ET EMC"
    ),
    5: b"<</Type/StructTreeRoot/K 6 0 R/ParentTree 11 0 R>>",
    6: b"<</S/Document/P 5 0 R/K[7 0 R 8 0 R 9 0 R 10 0 R]>>",
    7: b"<</S/H2/P 6 0 R/Pg 3 0 R/K 0>>",
    8: b"<</S/P/P 6 0 R/Pg 3 0 R/K 1>>",
    9: b"<</S/Figure/P 6 0 R/Pg 3 0 R/K 2/Alt(A tree of pages)>>",
    10: b"<</S/P/P 6 0 R/Pg 3 0 R/K 3>>",
    11: b"<</Nums[0[7 0 R 8 0 R 9 0 R 10 0 R]]>>",
}


def test_a_tagged_file_names_its_headings_and_describes_its_figures() -> None:
    content = read_pdf(raw_pdf(TAGGED))
    assert content.text.split("\n\n") == ["## Indexes", "They make queries fast.", "[A tree of pages]", "The end."]


def test_a_page_that_is_damaged_costs_only_itself() -> None:
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 3/Kids[3 0 R 9 0 R 4 0 R]>>",
        **{
            at: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents %d 0 R"
            b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>" % (at + 2)
            for at in (3, 4)
        },
        5: stream(b"BT /F 10 Tf 20 250 Td (First page.) Tj ET"),
        6: stream(b"BT /F 10 Tf 20 250 Td (Third page.) Tj ET"),
        9: b"(no page)",
    }
    text = read_pdf(raw_pdf(objects)).text
    assert "First page." in text
    assert "Third page." in text
