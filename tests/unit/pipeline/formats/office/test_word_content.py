"""What stands in a Word document is read, wherever Word puts it; what is not shown is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.formats.content import Content
from pipeline.formats.office.word.reader import read_docx
from tests.unit.pipeline.formats.made_files import replace_part
from tests.unit.pipeline.formats.office.word_files import cell, paragraph, run, style, table, to_strict, word_of

SUP, SUB = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'
FIELD = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
BEGIN, SEPARATE, END = map(FIELD.format, ("begin", "separate", "end"))
TOC = f'{BEGIN}<w:r><w:instrText> TOC \\o "1-3" </w:instrText></w:r>{SEPARATE}'
MONO = '<w:rFonts w:ascii="Courier New"/>'
CONTENTS = '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'


def text_of(body: str, **parts: str) -> str:
    return read_docx(word_of(body, parts)).text


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        pytest.param(run("3·10") + run("8", SUP) + run(" м/с"), "3·10⁸ м/с", id="raised"),
        pytest.param(run("H") + run("2", SUB) + run("O"), "H₂O", id="lowered"),
        pytest.param(run("10") + run("1", SUP) + run("2", SUP), "10¹²", id="raised in two runs"),
        pytest.param(run("x") + run("верх", SUP), "x^(верх)", id="raised letters"),
        pytest.param(run("2") + run("10", '<w:rStyle w:val="up"/>'), "2¹⁰", id="raised by style"),
        pytest.param(run("до") + '<w:r><w:br w:type="page"/></w:r>' + run("после"), "до\nпосле", id="page break"),
        pytest.param(
            '<w:fldSimple w:instr=" REF a ">' + run("12") + "</w:fldSimple>" + run(" ниже"), "12 ниже", id="field"
        ),
        pytest.param(
            f"{BEGIN}<w:r><w:instrText> REF a </w:instrText></w:r>{SEPARATE}{run('12')}{END}{run(' ниже')}",
            "12 ниже",
            id="field in pieces",
        ),
        pytest.param(
            "<w:r><w:ruby><w:rt>" + run("かん") + "</w:rt><w:rubyBase>" + run("漢") + "</w:rubyBase></w:ruby></w:r>",
            "漢(かん)",
            id="ruby",
        ),
        pytest.param('<w:bdo w:val="rtl">' + run("текст") + "</w:bdo>", "текст", id="bdo"),
        pytest.param('<w:dir w:val="rtl">' + run("текст") + "</w:dir>", "текст", id="dir"),
        pytest.param(run("видно") + run("скрыто", "<w:vanish/>"), "видно", id="hidden"),
        pytest.param(run("видно") + run("скрыто", '<w:rStyle w:val="hid"/>'), "видно", id="hidden by style"),
        pytest.param(run("видно", '<w:vanish w:val="0"/>'), "видно", id="not hidden"),
        pytest.param("<w:r><w:t>ин</w:t><w:softHyphen/><w:t>декс</w:t></w:r>", "индекс", id="soft hyphen"),
        pytest.param(run("ин\u00adдекс"), "индекс", id="soft hyphen as a character"),
        pytest.param("<w:r><w:t>из</w:t><w:noBreakHyphen/><w:t>за</w:t></w:r>", "из-за", id="firm hyphen"),
        pytest.param('<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>', "α", id="symbol"),
        pytest.param(run("\uf061 = 1", '<w:rFonts w:ascii="Symbol"/>'), "α = 1", id="text in a symbol font"),
        pytest.param('<w:r><w:sym w:font="Symbol"/></w:r>' + run("x"), "x", id="symbol without a code"),
        pytest.param('<w:hyperlink r:id="gone">' + run("ссылка") + "</w:hyperlink>", "ссылка", id="link to nothing"),
        pytest.param('<w:footnoteReference w:id="7"/>' + run("x"), "[1]x", id="note that is not there"),
        pytest.param("<w:unknown>" + run("текст") + "</w:unknown>", "текст", id="unknown wrapper"),
        pytest.param("<w:ins>" + run("да") + "</w:ins><w:del>" + run("нет") + "</w:del>", "да", id="revision"),
        pytest.param(
            "<w:moveTo>" + run("да") + "</w:moveTo><w:moveFrom>" + run("нет") + "</w:moveFrom>", "да", id="move"
        ),
    ],
)
def test_what_a_paragraph_shows(inner: str, text: str) -> None:
    styles = style("up", "Верх", f"<w:rPr>{SUP}</w:rPr>", "character")
    styles += style("hid", "Скрыто", "<w:rPr><w:vanish/></w:rPr>", "character")
    assert text_of(paragraph(inner), styles=styles) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            paragraph("а", properties="<w:rPr><w:del/></w:rPr>") + paragraph("б"), "аб", id="joined by a revision"
        ),
        pytest.param(paragraph("а", properties="<w:rPr><w:del/></w:rPr>"), "а", id="joined with nothing"),
        pytest.param(
            paragraph("В", properties='<w:framePr w:dropCap="drop"/>') + paragraph(" начале"), "В начале", id="drop cap"
        ),
        pytest.param(
            f"{CONTENTS}<w:sdtContent>{paragraph('Глава 3')}</w:sdtContent></w:sdt>" + paragraph("Текст"),
            "Текст",
            id="contents in a control",
        ),
        pytest.param(
            paragraph("Содержание")
            + paragraph(TOC, run("Глава 3"))
            + paragraph(run("Глава 4"), END)
            + paragraph("Текст"),
            "Текст",
            id="contents in a field, and their title",
        ),
        pytest.param(paragraph("Глава 3", style="TOC1") + paragraph("Текст"), "Текст", id="contents by style"),
        pytest.param(
            paragraph(run("Глава 3"), '<w:fldSimple w:instr=" PAGEREF _Toc1 ">' + run("5") + "</w:fldSimple>")
            + paragraph("Текст"),
            "Текст",
            id="contents by their links",
        ),
        pytest.param(
            paragraph("Оглавление")
            + paragraph("")
            + paragraph("Глава 1 ........ 3")
            + paragraph("")
            + paragraph("Глава 2 . . . . . . 17")
            + paragraph("Текст"),
            "Текст",
            id="typed contents",
        ),
        pytest.param(
            paragraph("Список рисунков") + paragraph("Рис. 1 ........ 3") + paragraph("Текст"), "Текст", id="figures"
        ),
        pytest.param(
            paragraph(run("Текст", '<w:rFonts w:ascii="Monotype Corsiva"/>')), "Текст", id="font that is no code's"
        ),
        pytest.param(
            paragraph("Содержание") + paragraph("") + paragraph("Текст"),
            "Содержание\n\nТекст",
            id="title of no contents",
        ),
        pytest.param(paragraph("Оценка ........ 5") + paragraph("Текст"), "Оценка ........ 5\n\nТекст", id="form"),
        pytest.param(
            paragraph(run("Если "), '<w:r><w:object><o:OLEObject ProgID="Equation.3"/></w:object></w:r>', run(" = 2")),
            r"Если $\ldots$ = 2",
            id="formula of an old editor",
        ),
        pytest.param(
            paragraph(TOC, run("Основы 3")) + paragraph("Текст"), "Основы 3\n\nТекст", id="contents without end"
        ),
        pytest.param(
            "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
            + paragraph("Введите текст")
            + "</w:sdtContent></w:sdt>"
            + paragraph("Текст"),
            "Текст",
            id="control that nobody filled in",
        ),
        pytest.param(
            paragraph(
                "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx><w:txbxContent>"
                + paragraph("надпись")
                + "</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent>"
                + paragraph("надпись")
                + "</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
            ),
            "надпись",
            id="text box said once",
        ),
        pytest.param(
            paragraph(
                "<w:r><mc:AlternateContent><mc:Choice>" + run("выбор") + "</mc:Choice></mc:AlternateContent></w:r>"
            ),
            "выбор",
            id="choice without a fallback",
        ),
        pytest.param(
            paragraph(
                run("До"),
                '<w:r><w:drawing><wp:inline><wp:docPr descr="Схема усилителя"/></wp:inline></w:drawing></w:r>',
            )
            + paragraph('<w:r><w:drawing><wp:inline><wp:docPr descr="image1.png"/></wp:inline></w:drawing></w:r>'),
            "До\n\n[Схема усилителя]",
            id="alternative text",
        ),
        pytest.param(
            "<m:oMathPara><m:oMath><m:r><m:t>x=2</m:t></m:r></m:oMath></m:oMathPara>", "$$x=2$$", id="formula"
        ),
    ],
)
def test_what_a_document_shows(body: str, text: str) -> None:
    assert text_of(body, styles=style("TOC1", "toc 1")) == text


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        pytest.param(
            [cell("Термин") + cell("Смысл"), cell("SQL") + cell("Язык. " * 60)], ["| SQL | Язык."], id="long cell"
        ),
        pytest.param(
            [cell("Имя", properties='<w:gridSpan w:val="2"/>') + cell("Год"), cell("а") + cell("б") + cell("1")],
            ["| Имя |  | Год |", "| --- | --- | --- |", "| а | б | 1 |"],
            id="merged head",
        ),
        pytest.param(
            [
                cell("а", properties='<w:vMerge w:val="restart"/>') + cell("б"),
                cell("", properties="<w:vMerge/>") + cell("в"),
            ],
            ["| а | б |", "| --- | --- |", "|  | в |"],
            id="cell of two rows",
        ),
        pytest.param(
            [cell("а") + cell("б"), '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + cell("в")],
            ["|  | в |"],
            id="shifted row",
        ),
        pytest.param(
            [cell("а") + cell("б"), "<w:trPr><w:del/></w:trPr>" + cell("в") + cell("г")], ["а | б"], id="deleted row"
        ),
        pytest.param([cell("а", "б") + cell("в"), cell("г") + cell("д")], ["| а б | в |"], id="paragraphs in a cell"),
        pytest.param(
            [
                cell("а") + cell("б"),
                cell("в") + cell(table(cell("1") + cell("2"), cell("3") + cell("4"))),
                cell("г") + cell("д"),
            ],
            ["а | б", "в", "| 1 | 2 |", "| 3 | 4 |", "г | д"],
            id="table in a table",
        ),
        pytest.param(
            [f"<w:sdt><w:sdtContent>{cell('а')}</w:sdtContent></w:sdt>" + cell("б")], ["а | б"], id="cell in a control"
        ),
    ],
)
def test_each_row_of_a_table_is_a_line(rows: list[str], lines: list[str]) -> None:
    written = text_of(table(*rows)).split("\n")
    at = -1
    for line in lines:
        at = next(number for number, found in enumerate(written) if number > at and found.startswith(line))


def test_lines_of_code_stay_apart_and_indented() -> None:
    code = ["def f():", "    return 0", "", "print(f())"]
    body = paragraph("Пример:") + "".join(paragraph(run(line, MONO)) for line in code) + paragraph("Конец примера.")
    assert text_of(body) == "Пример:\n\n```\ndef f():\n    return 0\n\nprint(f())\n```\n\nКонец примера."
    styled = paragraph("a = 1", style="c") + paragraph("Текст.")
    assert text_of(styled, styles=style("c", "Source Code")) == "```\na = 1\n```\n\nТекст."


def test_document_typed_in_one_monospaced_font_is_no_code() -> None:
    assert "```" not in text_of("".join(paragraph(run("Это обычный текст. " * 20, MONO)) for _ in range(20)))


def test_notes_follow_their_paragraph() -> None:
    notes = f'<w:footnote w:id="2">{paragraph("<w:r><w:footnoteRef/></w:r>", run(" Сноска"))}</w:footnote>'
    body = paragraph(run("Текст"), '<w:r><w:footnoteReference w:id="2"/></w:r>', run(" дальше")) + paragraph("Ещё")
    assert text_of(body, footnotes=notes) == "Текст[1] дальше\n\n[1] Сноска\n\nЕщё"


@pytest.mark.parametrize("main", ["word/document2.xml", "word/main.xml", "other/document.xml"])
def test_relationships_name_the_main_part(main: str) -> None:
    body = paragraph("Глава", style="h")
    assert read_docx(word_of(body, {"styles": style("h", "heading 1")}, main)).headings[0].text == "Глава"


def test_strict_documents_are_read() -> None:
    data = word_of(paragraph("Глава", style="h") + paragraph("Текст"), {"styles": style("h", "heading 1")})
    assert read_docx(to_strict(data)).text == "# Глава\n\nТекст"


@pytest.mark.parametrize(
    ("title", "body", "text"),
    [
        ("Курс лекций", paragraph("Текст"), "# Курс лекций\n\nТекст"),
        ("Курс лекций", paragraph("Глава", style="Heading2"), "## Глава"),
        ("Документ Microsoft Word", paragraph("Текст"), "Текст"),
        ("lecture.docx", paragraph("Текст"), "Текст"),
        ("Лекция 1", paragraph("Лекция 4", style="Heading1"), "# Лекция 4"),
    ],
)
def test_title_of_the_properties_is_that_of_the_document(title: str, body: str, text: str) -> None:
    core = f'<a xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></a>'.encode()
    content = read_docx(replace_part(word_of(body), "docProps/core.xml", lambda _: core))
    assert content.text == text
    assert content.title == (title if title == "Курс лекций" else "")


def test_inserted_documents_are_read() -> None:
    body = paragraph("До") + '<w:altChunk r:id="a.html"/>' + paragraph("После")
    data = word_of(body, {"aFChunk/a.html": "<h1>Глава</h1><p>внутри</p>"})
    assert read_docx(data) == Content("До\n\n# Глава\n\nвнутри\n\nПосле", read_docx(data).headings)


def test_charts_and_diagrams_are_read() -> None:
    values = "<c:{0}><c:strRef><c:strCache>{1}</c:strCache></c:strRef></c:{0}>"
    point = '<c:pt idx="{}"><c:v>{}</c:v></c:pt>'.format
    series = "<c:ser><c:tx><c:strRef><c:strCache>" + point(0, "Рост") + "</c:strCache></c:strRef></c:tx>"
    series += values.format("cat", point(0, "2020") + point(1, "2021"))
    series += values.format("val", point(0, "4.3") + point(1, "0.30000000000000004")) + "</c:ser>"
    body = paragraph('<w:r><w:drawing><c:chart r:id="chart1.xml"/></w:drawing></w:r>')
    body += paragraph('<w:r><w:drawing><dgm:relIds r:dm="data1.xml"/></w:drawing></w:r>')
    node = '<dgm:pt modelId="{}" type="{}"><dgm:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></dgm:t></dgm:pt>'.format
    names = 'xmlns:c="{0}/chart" xmlns:dgm="{0}/diagram" xmlns:a="{0}/main"'.format(
        "http://schemas.openxmlformats.org/drawingml/2006"
    )
    diagram = node(0, "doc", "") + node(2, "node", "часть") + node(1, "node", "целое") + node(3, "pres", "нет")
    links = '<dgm:cxn srcId="0" destId="1" srcOrd="0"/><dgm:cxn srcId="1" destId="2" srcOrd="0"/>'
    parts = {
        "chart/chart1.xml": f"<c:chartSpace {names}>{series}</c:chartSpace>",
        "diagramData/data1.xml": f"<dgm:dataModel {names}>{diagram}{links}</dgm:dataModel>",
    }
    assert read_docx(word_of(body, parts)).text == (
        "|  | Рост |\n| --- | --- |\n| 2020 | 4.3 |\n| 2021 | 0.3 |\n\n- целое\n\n  - часть"
    )


TAGS = ["p", "r", "tbl", "tr", "tc", "sdt", "sdtContent", "ins", "hyperlink", "fldSimple", "ruby", "rubyBase", "rt"]
WORDS = st.sampled_from(["слово", "a|b", "#", "```", "10", "$x$", "<b>"]).map(
    lambda word: run(word.replace("<", "&lt;"))
)
BODIES = st.recursive(
    WORDS,
    lambda inner: st.tuples(st.sampled_from(TAGS), st.lists(inner, max_size=4)).map(
        lambda pair: f"<w:{pair[0]}>{''.join(pair[1])}</w:{pair[0]}>"
    ),
)


@given(st.lists(BODIES, max_size=4).map("".join))
@settings(max_examples=settings().max_examples // 2)
def test_documents_that_no_person_would_write_are_read(body: str) -> None:
    content = read_docx(word_of(body + paragraph("Конец")))
    assert content.text.endswith("Конец")
    for heading in content.headings:
        assert content.text[heading.start :].startswith(f"{'#' * heading.level} {heading.text}")
