"""Slides are read as people read them, wherever their texts stand."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.util import Cm

from pipeline.formats.content import Content
from pipeline.formats.office.slides.places import Place, order
from pipeline.formats.office.slides.reader import read_pptx
from tests.unit.pipeline.formats.made_files import pptx_of, replace_part
from tests.unit.pipeline.formats.office.word_files import to_strict

BLANK, TITLE_ONLY, TITLE_AND_TEXT = 6, 5, 1
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
NAMES = (
    f'xmlns:a="{A}" xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def read(build: Callable[[Any], object]) -> Content:
    """What a presentation says; `build` is given a function that adds a slide of a layout."""
    return read_pptx(pptx_of(lambda made: build(lambda layout: made.slides.add_slide(made.slide_layouts[layout]))))


def headings(content: Content) -> list[str]:
    return [found.text for found in content.headings]


def box(slide: Any, left: float, top: float, text: str, width: float = 8) -> Any:
    shape = slide.shapes.add_textbox(Cm(left), Cm(top), Cm(width), Cm(1))
    shape.text_frame.text = text
    return shape


def paragraph_of(xml: str) -> str:
    """What a text box shows whose one paragraph holds this."""

    def build(add: Any) -> None:
        frame = box(add(BLANK), 1, 15, "").text_frame
        old = frame.paragraphs[0]._p
        old.getparent().replace(old, parse_xml(f"<a:p {NAMES}>{xml}</a:p>"))

    return read(build).text


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        pytest.param('<a:r><a:t>10</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>8</a:t></a:r>', "10⁸", id="raised"),
        pytest.param('<a:r><a:t>H</a:t></a:r><a:r><a:rPr baseline="-25000"/><a:t>2</a:t></a:r>', "H₂", id="lowered"),
        pytest.param(
            "<mc:AlternateContent><mc:Choice Requires='a14'><a14:m><m:oMath><m:r><m:t>x=2</m:t></m:r></m:oMath></a14:m>"
            "</mc:Choice><mc:Fallback><a:r><a:t> </a:t></a:r></mc:Fallback></mc:AlternateContent>",
            "$x=2$",
            id="formula in a choice",
        ),
        pytest.param(
            "<a14:m><m:oMathPara><m:oMath><m:r><m:t>x</m:t></m:r></m:oMath></m:oMathPara></a14:m>",
            "$$x$$",
            id="formula",
        ),
        pytest.param(
            '<a:r><a:t>с. </a:t></a:r><a:fld type="slidenum"><a:t>7</a:t></a:fld>', "с.", id="number of the slide"
        ),
        pytest.param("<a:r><a:t>а</a:t></a:r><a:br/><a:r><a:t>б</a:t></a:r>", "а\nб", id="break"),
        pytest.param(
            '<a:r><a:rPr><a:latin typeface="Symbol"/></a:rPr><a:t>\uf061</a:t></a:r>', "α", id="text in a symbol font"
        ),
        pytest.param("<a:r><a:t>ин\u00adдекс</a:t></a:r>", "индекс", id="soft hyphen"),
        pytest.param(
            '<a:pPr><a:buAutoNum type="arabicParenR" startAt="3"/></a:pPr><a:r><a:t>а</a:t></a:r>', "3) а", id="number"
        ),
        pytest.param('<a:pPr lvl="1"><a:buChar char="•"/></a:pPr><a:r><a:t>а</a:t></a:r>', "  - а", id="bullet"),
    ],
)
def test_what_a_paragraph_shows(xml: str, text: str) -> None:
    assert paragraph_of(xml) == text


def test_box_above_all_others_is_the_title() -> None:
    def build(add: Any) -> None:
        slide = add(TITLE_AND_TEXT)
        slide.shapes.title.element.getparent().remove(slide.shapes.title.element)
        slide.placeholders[1].text_frame.text = "Первый пункт"
        box(slide, 0, 0, "Название слайда")

    assert read(build).text == "## Название слайда\n\nПервый пункт"


def test_long_or_low_boxes_and_boxes_side_by_side_are_no_titles() -> None:
    def build(add: Any) -> None:
        slide = add(BLANK)
        box(slide, 0, 0, "Длинный текст слайда. " * 10)
        box(slide, 0, 5, "Ещё текст")
        slide = add(BLANK)
        box(slide, 0, 12, "Внизу")
        slide = add(BLANK)
        box(slide, 0, 1, "слева 1"), box(slide, 12, 0.98, "справа 1"), box(slide, 0, 3, "слева 2")
        box(slide, 12, 3.02, "справа 2")

    content = read(build)
    assert headings(content) == []
    assert content.text.endswith("слева 1\n\nсправа 1\n\nслева 2\n\nсправа 2")


@pytest.mark.parametrize(
    ("places", "numbers"),
    [
        pytest.param(
            [(0, 0, 9, 1), (5, 2, 4, 6), (0, 2, 4, 1), (0, 4, 4, 1)], [0, 2, 3, 1], id="columns of unequal boxes"
        ),
        pytest.param([(5, 5, 4, 2), (0, 5, 4, 2), (5, 1, 4, 2), (0, 1, 4, 2)], [3, 2, 1, 0], id="rows"),
        pytest.param([(0, 0, 9, 9), (1, 1, 2, 2)], [0, 1], id="one in the other"),
        pytest.param([(3, 0, 0, 0), (0, 0, 0, 0)], [1, 0], id="no size"),
        pytest.param([(0, 0, 4, 4), (0, 3.9, 4, 4)], [0, 1], id="touching"),
    ],
)
def test_places_are_read_in_rows_else_in_columns(places: list[tuple[float, ...]], numbers: list[int]) -> None:
    assert order([Place(*(number * 1_000_000 for number in place)) for place in places]) == numbers


def test_groups_are_placed_where_they_are_shown() -> None:
    def build(add: Any) -> None:
        slide = add(TITLE_ONLY)
        slide.shapes.title.text = "Название"
        box(slide, 1, 8, "ниже")
        group = slide.shapes.add_group_shape()
        box(group, 100, 900, "в группе")
        group.left, group.top, group.width, group.height = Cm(1), Cm(5), Cm(8), Cm(1)

    assert read(build).text == "## Название\n\nв группе\n\nниже"


def test_picture_without_words_leaves_no_heading_but_its_title_as_text() -> None:
    image = BytesIO()
    Image.new("1", (1, 1)).save(image, "png")

    def build(add: Any) -> None:
        for title, text in (("Сети", ""), ("Схема", ""), ("Усилитель", "Рисунок усилителя"), ("Итог", "")):
            slide = add(TITLE_ONLY)
            slide.shapes.title.text = title
            if title != "Итог":
                image.seek(0)
                slide.shapes.add_picture(image, 0, Cm(8))._element.nvPicPr.cNvPr.set("descr", text)

    content = read(build)
    assert headings(content) == ["Сети", "Усилитель", "Итог"]
    assert content.text == "## Сети\n\nСхема\n\n## Усилитель\n\n[Рисунок усилителя]\n\n## Итог"


def test_merged_cells_of_tables_stay_empty() -> None:
    def build(add: Any) -> None:
        slide = add(BLANK)
        table = slide.shapes.add_table(3, 2, 0, 0, Cm(9), Cm(9)).table
        for at, text in enumerate(("Имя", "", "а", "б|в", "г", "д")):
            table.cell(at // 2, at % 2).text = text
        table.cell(0, 0).merge(table.cell(0, 1))
        table.cell(1, 0).merge(table.cell(2, 0))

    assert read(build).text == "| Имя |  |\n| --- | --- |\n| а г | б\\|в |\n|  | д |"


def test_charts_are_tables() -> None:
    def build(add: Any) -> None:
        data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
        data.categories = ["2020", "2021"]
        data.add_series("Рост", (1.5, 2))
        add(BLANK).shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Cm(9), Cm(9), data)

    assert read(build).text.endswith("|  | Рост |\n| --- | --- |\n| 2020 | 1.5 |\n| 2021 | 2 |")


def test_lines_of_code_stay_apart() -> None:
    def build(add: Any) -> None:
        frame = box(add(BLANK), 1, 15, "if x:\n    print(x)").text_frame
        for paragraph in frame.paragraphs:
            paragraph.runs[0].font.name = "Consolas"

    assert read(build).text == "```\nif x:\n    print(x)\n```"


SLIDES = pptx_of(lambda made: box(made.slides.add_slide(made.slide_layouts[BLANK]), 1, 15, "Текст"))
MAIN = b"presentationml.presentation.main+xml"


@pytest.mark.parametrize(
    ("kind"), [b"presentationml.slideshow.main+xml", b"presentationml.template.main+xml", b"x.macroEnabled.main+xml"]
)
def test_shows_and_templates_are_read(kind: bytes) -> None:
    assert read_pptx(replace_part(SLIDES, "[Content_Types].xml", lambda part: part.replace(MAIN, kind))).text == "Текст"


def test_strict_slides_and_those_with_broken_links_are_read() -> None:
    assert read_pptx(to_strict(SLIDES)).text == "Текст"
    links = "ppt/slides/_rels/slide1.xml.rels"
    assert read_pptx(replace_part(SLIDES, links, lambda part: part.replace(b"slideLayout7", b"gone"))).text == "Текст"


def test_what_stands_at_the_foot_of_most_slides_is_read_once() -> None:
    def build(add: Any) -> None:
        for number, title in enumerate(("Сети", "Узлы", "Порты"), start=1):
            slide = add(BLANK)
            box(slide, 1, 1, title)
            box(slide, 1, 6, "Текст")
            box(slide, 1, 18, "Кафедра связи")
            box(slide, 20, 18, f"{number} / 3", width=2)

    assert read(build).text == "## Сети\n\nТекст\n\nКафедра связи\n\n## Узлы\n\nТекст\n\n## Порты\n\nТекст"
