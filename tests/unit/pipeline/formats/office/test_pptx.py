"""Slides become headings with their texts."""

from copy import deepcopy
from typing import Any

from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.util import Cm

from pipeline.formats.content import Content
from pipeline.formats.office.slides.reader import read_pptx
from tests.unit.pipeline.formats.made_files import pptx_of

SLIDE_NUMBER = PP_PLACEHOLDER.SLIDE_NUMBER


def shape(content: Content) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in content.headings]


def add(slides: Any, layout: int, title: str, text: str = "") -> Any:
    slide = slides.slides.add_slide(slides.slide_layouts[layout])
    slide.shapes.title.text = title
    if text:
        slide.placeholders[1].text = text
    return slide


def test_titles_are_headings() -> None:
    def build(slides: Any) -> None:
        add(slides, 0, "Базы данных", "Курс лекций")
        add(slides, 1, "Запросы", "раз\nдва")
        add(slides, 1, "Индексы", "один пункт")

    content = read_pptx(pptx_of(build))
    assert shape(content) == [(1, "Базы данных"), (2, "Запросы"), (2, "Индексы")]
    assert content.text == ("# Базы данных\n\nКурс лекций\n\n## Запросы\n\n- раз\n- два\n\n## Индексы\n\nодин пункт")


def test_each_slide_has_its_heading() -> None:
    def build(slides: Any) -> None:
        add(slides, 1, "Запросы", "раз")
        add(slides, 1, "Запросы", "два")

    content = read_pptx(pptx_of(build))
    assert content.text == "## Запросы\n\nраз\n\n## Запросы\n\nдва"


def test_shapes_are_read_from_top_to_bottom_and_groups_opened() -> None:
    def build(slides: Any) -> None:
        slide = slides.slides.add_slide(slides.slide_layouts[6])
        slide.shapes.add_textbox(Cm(1), Cm(9), Cm(5), Cm(1)).text_frame.text = "внизу"
        group = slide.shapes.add_group_shape()
        group.shapes.add_textbox(Cm(1), Cm(3), Cm(5), Cm(1)).text_frame.text = "в группе"
        slide.shapes.add_textbox(Cm(1), Cm(1), Cm(5), Cm(1)).text_frame.text = "наверху"

    assert read_pptx(pptx_of(build)).text == "## наверху\n\nв группе\n\nвнизу"


def test_tables_and_notes_are_read() -> None:
    def build(slides: Any) -> None:
        slide = add(slides, 5, "Типы")
        table = slide.shapes.add_table(2, 2, Cm(1), Cm(5), Cm(9), Cm(3)).table
        for at, text in enumerate("абвг"):
            table.cell(at // 2, at % 2).text = text
        slide.notes_slide.notes_text_frame.text = "Сказать о типах."

    content = read_pptx(pptx_of(build))
    assert content.text == "## Типы\n\n| а | б |\n| --- | --- |\n| в | г |\n\nСказать о типах."


def test_slide_numbers_are_dropped() -> None:
    def build(slides: Any) -> None:
        slide = add(slides, 1, "Запросы", "раз")
        number = next(
            shape for shape in slides.slide_layouts[1].placeholders if shape.placeholder_format.type == SLIDE_NUMBER
        )
        copy = deepcopy(number.element)
        slide.shapes._spTree.append(copy)
        slide.shapes[-1].text_frame.text = "17"

    assert read_pptx(pptx_of(build)).text == "## Запросы\n\nраз"
