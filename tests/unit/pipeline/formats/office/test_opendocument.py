"""ODT and ODP files are read as LibreOffice shows them."""

import pytest

from pipeline.formats.content import Unreadable
from pipeline.formats.office.opendocument.reader import read_odp, read_odt
from tests.unit.pipeline.formats.office.open_files import NAMES, odt, paragraph


def items(*inner: str, more: str = "", style: str = "L") -> str:
    return f'<text:list text:style-name="{style}" {more}>{"".join(inner)}</text:list>'


def item(*inner: str, more: str = "") -> str:
    blocks = "".join(piece if piece.startswith("<") else paragraph(piece) for piece in inner)
    return f"<text:list-item {more}>{blocks}</text:list-item>"


def cell(text: str, more: str = "", name: str = "table-cell") -> str:
    return f"<table:{name} {more}>{paragraph(text) if text else ''}</table:{name}>"


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(paragraph('10<text:span text:style-name="up">8</text:span>'), "10⁸", id="raised"),
        pytest.param(paragraph('H<text:span text:style-name="low">2</text:span>O'), "H₂O", id="lowered"),
        pytest.param(paragraph('a<text:span text:style-name="hid">b</text:span>c'), "ac", id="hidden"),
        pytest.param(paragraph("a<text:line-break/>b<text:tab/>c<text:s/>d"), "a\nb c d", id="breaks"),
        pytest.param(paragraph("в\n  строке"), "в строке", id="lines of the file"),
        pytest.param(paragraph("ин\u00adдекс"), "индекс", id="soft hyphen"),
        pytest.param(
            paragraph("a<office:annotation><dc:creator>X</dc:creator></office:annotation>b"), "ab", id="comment"
        ),
        pytest.param(
            "<text:tracked-changes><text:deletion>"
            + paragraph("нет")
            + "</text:deletion></text:tracked-changes>"
            + paragraph("да"),
            "да",
            id="deleted",
        ),
        pytest.param(
            "<text:table-of-content><text:index-body>"
            + paragraph("Глава 3")
            + "</text:index-body></text:table-of-content>"
            + paragraph("да"),
            "да",
            id="contents",
        ),
        pytest.param(
            '<text:section text:display="none">' + paragraph("нет") + "</text:section>" + paragraph("да"),
            "да",
            id="section",
        ),
        pytest.param("<text:section>" + paragraph("да") + "</text:section>", "да", id="shown section"),
        pytest.param(
            paragraph(
                "a<text:note><text:note-citation>1</text:note-citation><text:note-body>"
                + paragraph("n")
                + "</text:note-body></text:note> b"
            )
            + paragraph("c"),
            "a[1] b\n\n[1] n\n\nc",
            id="note",
        ),
        pytest.param(
            paragraph(
                "<text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>かん</text:ruby-text></text:ruby>"
            ),
            "漢(かん)",
            id="ruby",
        ),
        pytest.param(
            paragraph("a<draw:frame><draw:text-box>" + paragraph("box") + "</draw:text-box></draw:frame>"),
            "a\n\nbox",
            id="box",
        ),
        pytest.param(
            paragraph("<draw:frame><draw:image/><svg:title>a.png</svg:title><svg:desc>Схема</svg:desc></draw:frame>"),
            "[Схема]",
            id="alternative text",
        ),
        pytest.param(
            paragraph("a  = 1", "P1") + paragraph('<text:s text:c="2"/>b', "P1"), "```\na  = 1\n  b\n```", id="code"
        ),
        pytest.param(
            items(item("a", items(item("b"), item("c"), style="")), item("d")) + paragraph("t"),
            "1. a\n\n  a) b\n\n  b) c\n\n2. d\n\nt",
            id="list in a list",
        ),
        pytest.param(
            items(item("a")) + paragraph("t") + items(item("b"), more='text:continue-numbering="true"'),
            "1. a\n\nt\n\n2. b",
            id="list that goes on",
        ),
        pytest.param(
            items(item("a"), more='xml:id="x"') + items(item("b")) + items(item("c"), more='text:continue-list="x"'),
            "1. a\n\n1. b\n\n2. c",
            id="list that goes on after another",
        ),
        pytest.param(items(item("a", more='text:start-value="5"'), item("b")), "5. a\n\n6. b", id="start"),
        pytest.param(items(item("a"), style="none"), "- a", id="bullets"),
        pytest.param(
            "<table:table><table:table-header-rows>"
            + row(cell("Имя", 'table:number-columns-spanned="2"'), cell("", name="covered-table-cell"))
            + "</table:table-header-rows>"
            + row(cell("a"), cell("b"))
            + "</table:table>",
            "| Имя |  |\n| --- | --- |\n| a | b |",
            id="merged head",
        ),
        pytest.param(
            "<table:table>"
            + row(cell("a", 'table:number-columns-repeated="2"'), more='table:number-rows-repeated="2"')
            + "</table:table>",
            "| a | a |\n| --- | --- |\n| a | a |",
            id="repeated cells",
        ),
    ],
)
def test_what_a_document_shows(body: str, text: str) -> None:
    assert read_odt(odt(body)).text == text


def test_headings_below_a_title_are_one_deeper() -> None:
    body = paragraph("Курс", "P2") + '<text:h text:outline-level="1">Глава</text:h>' + paragraph("Раздел", "P3")
    content = read_odt(odt(body + paragraph("Обычный текст абзаца.")))
    assert [(found.level, found.text) for found in content.headings] == [(1, "Курс"), (2, "Глава"), (3, "Раздел")]


MATHML = 'xmlns="http://www.w3.org/1998/Math/MathML"'
SUM = "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>"
TABLE = "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mi>x</mi></mtd></mtr></mtable>"


@pytest.mark.parametrize(
    ("inner", "latex"),
    [
        ("<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac>", r"\frac{a}{b+1}"),
        ("<msqrt><mi>x</mi></msqrt><mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt{x}\sqrt[3]{x}"),
        ("<msup><mi>e</mi><mi>α</mi></msup><msub><mi>x</mi><mi>i</mi></msub>", r"e^{\alpha}x_{i}"),
        ("<msubsup><mrow><mi>a</mi><mi>b</mi></mrow><mn>1</mn><mn>2</mn></msubsup>", "{ab}_{1}^{2}"),
        (f"{SUM}<mi>i</mi>", r"\sum_{i=1}^{n} i"),
        ("<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder><mi>f</mi>", r"\lim_{x\to 0} f"),
        ("<mover><mi>v</mi><mo>→</mo></mover><mover><mi>A</mi><mi>n</mi></mover>", r"\vec{v}\overset{n}{A}"),
        ("<mi>sin</mi><mi>x</mi>", r"\sin x"),
        (f"<mfenced><mi>a</mi><mi>b</mi></mfenced>{TABLE}", r"\left(a, b\right)\begin{matrix}1 & x\end{matrix}"),
        ("<mtext>если </mtext><mi>x</mi>", r"\text{если }x"),
        ('<semantics><mi>x</mi><annotation encoding="application/x-tex">y  z</annotation></semantics>', "y z"),
        ('<semantics><mi>x</mi><annotation encoding="StarMath 5.0">y</annotation></semantics>', "x"),
    ],
)
def test_formula_is_written_in_latex(inner: str, latex: str) -> None:
    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    parts = {"Object 1/content.xml": f"<math {MATHML}>{inner}</math>"}
    assert read_odt(odt(paragraph(f"a {frame} b"), parts)).text == f"a ${latex}$ b"


def test_title_of_the_properties_is_that_of_the_document() -> None:
    meta = f"<office:document-meta {NAMES}><office:meta><dc:title>Курс</dc:title></office:meta></office:document-meta>"
    content = read_odt(odt(paragraph("Текст"), {"meta.xml": meta}))
    assert (content.title, content.text) == ("Курс", "# Курс\n\nТекст")


def test_slides_are_read_as_people_read_them() -> None:
    def frame(text: str, top: str, kind: str = "") -> str:
        return (
            f'<draw:frame presentation:class="{kind}" svg:x="1cm" svg:y="{top}" svg:width="9cm" svg:height="1cm">'
            f"<draw:text-box>{paragraph(text)}</draw:text-box></draw:frame>"
        )

    notes = f"<presentation:notes>{frame('Заметка', '1cm')}</presentation:notes>"
    page = (
        f"<draw:page>{frame('внизу', '9cm')}{frame('Сети', '1cm', 'title')}{frame('вверху', '3cm')}{notes}</draw:page>"
    )
    assert read_odp(odt(page, kind="presentation")).text == "## Сети\n\nвверху\n\nвнизу\n\nЗаметка"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"META-INF/manifest.xml": "<a><encryption-data/></a>"}, "паролем"),
        ({"content.xml": "<a/>"}, "повреждён"),
        ({"content.xml": "<a"}, "повреждён"),
        ({"content.xml": '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'}, "сущностей"),
    ],
)
def test_broken_encrypted_and_hostile_files_are_refused(parts: dict[str, str], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_odt(odt(paragraph("a"), parts))
    with pytest.raises(Unreadable, match="глубоко"):
        read_odt(odt("<text:section>" * 5000 + "</text:section>" * 5000))
