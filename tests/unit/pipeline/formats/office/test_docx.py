"""A Word document becomes headings, paragraphs, lists and tables."""

from typing import Any

import pytest
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.formats.content import Content
from pipeline.formats.office.word.reader import read_docx
from tests.unit.pipeline.formats.made_files import docx_of, insert_xml, replace_part


def shape(content: Content) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in content.headings]


def test_word_styles_are_headings() -> None:
    def build(document: Any) -> None:
        for level in (1, 2, 3, 9):
            document.add_heading(f"Уровень {level}", level)
            document.add_paragraph("Текст")

    content = read_docx(docx_of(build))
    assert shape(content) == [(1, "Уровень 1"), (2, "Уровень 2"), (3, "Уровень 3"), (6, "Уровень 9")]
    assert content.text.startswith("# Уровень 1\n\nТекст\n\n## Уровень 2")


def test_below_a_title_headings_are_one_deeper() -> None:
    def build(document: Any) -> None:
        document.add_paragraph("Книга", style="Title")
        document.add_heading("Глава", 1)

    assert shape(read_docx(docx_of(build))) == [(1, "Книга"), (2, "Глава")]


@pytest.mark.parametrize(("name", "level"), [("Заголовок 1", 1), ("заголовок 3", 3), ("Heading2", 2)])
def test_styles_are_known_by_localised_names(name: str, level: int) -> None:
    def build(document: Any) -> None:
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        document.add_paragraph("Глава", style=style)

    assert shape(read_docx(docx_of(build))) == [(level, "Глава")]


def test_style_based_on_a_heading_is_one() -> None:
    def build(document: Any) -> None:
        style = document.styles.add_style("Мой 'стиль' \\ 1", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Heading 2"]
        document.add_paragraph("Глава", style=style)

    assert shape(read_docx(docx_of(build))) == [(2, "Глава")]


def test_styles_based_on_each_other_are_no_heading() -> None:
    def build(document: Any) -> None:
        first = document.styles.add_style("A", WD_STYLE_TYPE.PARAGRAPH)
        second = document.styles.add_style("B", WD_STYLE_TYPE.PARAGRAPH)
        first.base_style, second.base_style = second, first
        document.add_paragraph("Текст", style=first)

    assert read_docx(docx_of(build)) == Content("Текст")


def test_outline_level_makes_a_heading() -> None:
    def build(document: Any) -> None:
        insert_xml(document, '<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Глава</w:t></w:r></w:p>')
        insert_xml(document, '<w:p><w:pPr><w:outlineLvl w:val="9"/></w:pPr><w:r><w:t>Текст</w:t></w:r></w:p>')

    assert shape(read_docx(docx_of(build))) == [(2, "Глава")]


def test_bold_lines_are_headings_where_there_are_no_others() -> None:
    def build(document: Any) -> None:
        document.add_paragraph().add_run("Индексы").bold = True
        document.add_paragraph("Индекс похож на указатель книги.")
        document.add_paragraph().add_run("Это важно.").bold = True

    content = read_docx(docx_of(build))
    assert shape(content) == [(2, "Индексы")]
    assert content.text == "## Индексы\n\nИндекс похож на указатель книги.\n\nЭто важно."


def test_lines_that_call_themselves_chapters_are_headings() -> None:
    def build(document: Any) -> None:
        for line in ("ГЛАВА 1. СЕТИ", "Глава 1 говорит о сетях.", "§ 2. Узлы", "Узел пересылает пакеты."):
            document.add_paragraph(line)
        for line in ("Тема 1. Сети", "Тема 2. Узлы", "Тема 3. Порты"):  # a list of them
            document.add_paragraph(line)

    assert shape(read_docx(docx_of(build))) == [(2, "ГЛАВА 1. СЕТИ"), (2, "§ 2. Узлы")]


def test_lists_and_tables_keep_their_form() -> None:
    def build(document: Any) -> None:
        document.add_paragraph("раз", style="List Bullet")
        document.add_paragraph("два", style="List Bullet")
        table = document.add_table(2, 2)
        for cell, text in zip((cell for row in table.rows for cell in row.cells), "абвг", strict=True):
            cell.text = text

    assert read_docx(docx_of(build)).text == "- раз\n\n- два\n\n| а | б |\n| --- | --- |\n| в | г |"


def test_text_is_found_wherever_word_puts_it_and_what_was_deleted_is_not() -> None:
    def build(document: Any) -> None:
        insert_xml(document, '<w:p><w:ins w:id="1" w:author="a"><w:r><w:t>вставлено</w:t></w:r></w:ins></w:p>')
        insert_xml(
            document, '<w:p><w:del w:id="2" w:author="a"><w:r><w:delText>удалено</w:delText></w:r></w:del></w:p>'
        )
        insert_xml(document, "<w:sdt><w:sdtContent><w:p><w:r><w:t>поле</w:t></w:r></w:p></w:sdtContent></w:sdt>")
        insert_xml(
            document,
            '<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent>'
            "<w:p><w:r><w:t>надпись</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>",
        )

    assert read_docx(docx_of(build)).text == "вставлено\n\nполе\n\nнадпись"


def test_markup_in_the_text_is_text() -> None:
    assert (
        read_docx(docx_of(lambda document: document.add_paragraph("a <b> & <h1>c</h1>"))).text == "a <b> & <h1>c</h1>"
    )


def test_document_without_styles_is_read() -> None:
    data = docx_of(lambda document: document.add_paragraph("Текст"))
    bare = b'<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>'
    assert read_docx(replace_part(data, "word/styles.xml", lambda _: bare)).text == "Текст"


WORDS = st.text(st.sampled_from("абв<>&#*|`'\\ 12.-"), min_size=1, max_size=20)
PARAGRAPHS = st.lists(
    st.tuples(st.sampled_from(["Normal", "Title", "Heading 1", "Heading 4", "List Bullet", "List Number"]), WORDS),
    max_size=12,
)


@given(PARAGRAPHS)
@settings(max_examples=settings().max_examples // 4)  # making and reading one takes 50 ms
def test_nothing_is_lost_and_each_heading_starts_at_its_line(paragraphs: list[tuple[str, str]]) -> None:
    def build(document: Any) -> None:
        for style, text in paragraphs:
            document.add_paragraph(text, style=style)

    content = read_docx(docx_of(build))
    at = 0
    for _, text in paragraphs:
        for word in text.split():
            at = content.text.index(word, at) + len(word)
    for heading in content.headings:
        assert content.text[heading.start :].startswith(f"{'#' * heading.level} {heading.text}")
        assert heading.start == 0 or content.text[heading.start - 1] == "\n"
