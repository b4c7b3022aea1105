"""Headings and the numbers of lists in Word documents."""

import pytest

from pipeline.formats.office.word.reader import read_docx
from tests.unit.pipeline.formats.office.word_files import paragraph, run, style, word_of

BOLD = "<w:b/>"
LINE = "Обычный текст абзаца, который объясняет тему."


def item(text: str, number: int = 1, depth: int = 0) -> str:
    return paragraph(text, properties=f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>')


def level(depth: int, kind: str = "decimal", text: str = "", more: str = "") -> str:
    shown = text or f"%{depth + 1}."
    return f'<w:lvl w:ilvl="{depth}">{more}<w:numFmt w:val="{kind}"/><w:lvlText w:val="{shown}"/></w:lvl>'


def lists(*levels: str, numbers: str = "") -> str:
    return (
        f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{numbers}'
    )


def again(number: int, override: str = "") -> str:
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="0"/>{override}</w:num>'


START = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="{}"/></w:lvlOverride>'.format


@pytest.mark.parametrize(
    ("body", "numbering", "text"),
    [
        pytest.param([item("а"), paragraph("и"), item("б")], lists(level(0)), "1. а|и|2. б", id="goes on"),
        pytest.param([item("а")], lists(level(0, more='<w:start w:val="5"/>')), "5. а", id="starts at five"),
        pytest.param(
            [item("а"), item("б", 1, 1), item("в", 1, 1), item("г"), item("д", 1, 1)],
            lists(level(0), level(1, text="%1.%2.")),
            "1. а|  1.1. б|  1.2. в|2. г|  2.1. д",
            id="numbers of two levels",
        ),
        pytest.param(
            [item("а"), item("б", 2), item("в", 3)],
            lists(level(0), numbers=again(2) + again(3, START(1))),
            "1. а|2. б|1. в",
            id="another list goes on or starts afresh",
        ),
        pytest.param(
            [item("а"), item("б", 1, 1), item("в", 1, 2), item("г", 1, 3)],
            lists(
                level(0, "lowerLetter", "%1)"),
                level(1, "upperRoman"),
                level(2, "bullet", "•"),
                level(3, "russianLower"),
            ),
            "a) а|  I. б|    - в|      а. г",
            id="other figures",
        ),
        pytest.param([item("а", 9), item("б", 0)], lists(level(0)), "а|б", id="no such list"),
        pytest.param(
            [item("а"), item("б", 1, 1), item("в"), item("г", 1, 1)],
            lists(level(0), level(1, more='<w:lvlRestart w:val="0"/>')),
            "1. а|  1. б|2. в|  2. г",
            id="level that never restarts",
        ),
    ],
)
def test_items_have_the_numbers_that_word_shows(body: list[str], numbering: str, text: str) -> None:
    assert read_docx(word_of("".join(body), {"numbering": numbering})).text == text.replace("|", "\n\n")


def test_items_are_counted_by_their_style() -> None:
    styles = style("item", "Пункт", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>')
    body = paragraph("а", style="item") + paragraph("и") + paragraph("б", style="item")
    assert read_docx(word_of(body, {"styles": styles, "numbering": lists(level(0))})).text == "1. а\n\nи\n\n2. б"


def headings(body: str, styles: str = "") -> list[tuple[int, str]]:
    return [(found.level, found.text) for found in read_docx(word_of(body, {"styles": styles})).headings]


def test_bold_lines_are_headings_beside_styled_ones() -> None:
    body = paragraph("Глава", style="h") + paragraph(LINE) + paragraph(run("Раздел", BOLD)) + paragraph(LINE)
    assert headings(body, style("h", "heading 1")) == [(1, "Глава"), (2, "Раздел")]


def test_lines_of_a_cover_are_no_headings() -> None:
    cover = "".join(paragraph(run(f"Строка {number}", BOLD)) for number in range(4))
    assert headings(cover + paragraph(LINE) + paragraph(run("Раздел", BOLD)) + paragraph(LINE)) == [(2, "Раздел")]


def test_style_without_a_type_or_a_definition_is_known_by_its_name() -> None:
    assert headings(paragraph("Глава", style="x"), style("x", "heading 2", kind="")) == [(2, "Глава")]
    assert headings(paragraph("Глава", style="Heading2")) == [(2, "Глава")]


def test_paragraph_in_the_style_of_a_heading_is_text() -> None:
    assert headings(paragraph("Длинный текст. " * 30, style="Heading1")) == []
