"""Documents that were made up, and how each format writes them."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

from hypothesis import strategies as st
from pptx.util import Inches

from tests.unit.pipeline.formats.made_files import Pdf, docx_of, package_of, pptx_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A heading of a level, or a paragraph, an item of a list, a row of a table or a line of code."""

    kind: str
    text: str


#: Each piece holds a word of its own, so that it can be found again.
MARKS = [f"знак{''.join(chr(ord('а') + int(digit)) for digit in str(number))}щ" for number in range(100, 200)]
KINDS = ["h1", "h2", "h3", "p", "p", "p", "item", "row", "code"]
#: What people write, and what they would not.
WORDS = st.one_of(
    st.sampled_from(
        [
            "Запрос к таблице",
            "Глава 1. Введение",
            "1.2 Основы",
            "Лекция № 5",
            "обычное предложение, которое говорит о деле. " * 6,
            "3·10⁸ м/с",
            "x₁ + y² ≤ 0",
            "= a | b ; c",
            "# не заголовок",
            "- не пункт",
            "> не цитата",
            "```",
            "<b>не тег</b> &amp;",
            "[ссылка](http://example.com)",
            "$x^2$",
            "....... 12",
            "123",
            "ЗАГЛАВНЫЕ БУКВЫ",
            "длинноеслово" * 30,
        ]
    ),
    st.text(st.characters(codec="cp1251", categories=["L", "N", "P", "S", "Zs"]), max_size=30),
)


@st.composite
def contents(draw: st.DrawFn) -> list[Piece]:
    drawn = draw(st.lists(st.tuples(st.sampled_from(KINDS), WORDS, st.booleans()), min_size=1, max_size=30))
    return [
        Piece(kind, " ".join(f"{mark} {words}".split() if first else f"{words} {mark}".split()))
        for mark, (kind, words, first) in zip(MARKS, drawn, strict=False)
    ]


def write_text(pieces: list[Piece]) -> bytes:
    return "\n\n".join(piece.text for piece in pieces).encode()


def write_markdown(pieces: list[Piece]) -> bytes:
    forms = {"h1": "# {}", "h2": "## {}", "h3": "### {}", "item": "- {}", "code": "    {}"}
    return "\n\n".join(forms.get(piece.kind, "{}").format(piece.text) for piece in pieces).encode()


def write_html(pieces: list[Piece]) -> bytes:
    forms = {"item": "<ul><li>{}</ul>", "row": "<table><tr><td>{}<td>x</table>", "code": "<pre>{}</pre>"}
    written = (
        forms.get(piece.kind, f"<{piece.kind}>{{}}</{piece.kind}>").format(escape(piece.text)) for piece in pieces
    )
    return f"<!doctype html><meta charset=utf-8>{''.join(written)}".encode()


def write_docx(pieces: list[Piece]) -> bytes:
    def build(document: Any) -> None:
        for piece in pieces:
            if piece.kind == "row":
                document.add_table(1, 2).cell(0, 0).text = piece.text
            elif piece.kind.startswith("h"):
                document.add_heading(piece.text, int(piece.kind[1]))
            else:
                document.add_paragraph(piece.text, "List Bullet" if piece.kind == "item" else None)

    return docx_of(build)


def write_pptx(pieces: list[Piece]) -> bytes:
    def build(deck: Any) -> None:
        slide = None
        for number, piece in enumerate(pieces):
            if slide is None or piece.kind.startswith("h"):
                slide = deck.slides.add_slide(deck.slide_layouts[5])
                slide.shapes.title.text = piece.text
            elif piece.kind == "row":
                table = slide.shapes.add_table(1, 2, 0, Inches(number), Inches(4), Inches(1)).table
                table.cell(0, 0).text = piece.text
            else:
                slide.shapes.add_textbox(0, Inches(number), Inches(4), Inches(1)).text_frame.text = piece.text

    return pptx_of(build)


def write_pdf(pieces: list[Piece]) -> bytes:
    sizes = {"h1": 20.0, "h2": 16.0, "h3": 13.0}
    made = Pdf()
    for number, piece in enumerate(pieces):
        if number and number % 12 == 0:
            made.page()
        text = "".join(char for char in piece.text if char.isascii() or "А" <= char <= "я")  # what the font has
        for at, line in enumerate(wrap(text, 70)):
            made.line(line, sizes.get(piece.kind, 10.0), bold=piece.kind in sizes, gap=0 if at else 1)
    return made.finish()


def write_rtf(pieces: list[Piece]) -> bytes:
    def code(text: str) -> str:
        return "".join(f"\\u{ord(char)}?" for char in text)

    looks = {"h1": "\\s1\\outlinelevel0 ", "h2": "\\s2\\outlinelevel1 ", "h3": "\\s3\\outlinelevel2 "}
    written = "".join(f"\\pard {looks.get(piece.kind, '')}{code(piece.text)}\\par " for piece in pieces)
    return f"{{\\rtf1\\ansi {written}}}".encode()


def write_odt(pieces: list[Piece]) -> bytes:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    written = "".join(
        f'<text:h text:outline-level="{piece.kind[1]}">{escape(piece.text)}</text:h>'
        if piece.kind.startswith("h")
        else f"<text:p>{escape(piece.text)}</text:p>"
        for piece in pieces
    )
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" xmlns:text="{space}:text:1.0">'
        f"<office:body><office:text>{written}</office:text></office:body></office:document-content>"
    )
    return package_of({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content.encode()})


def write_epub(pieces: list[Piece]) -> bytes:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    book = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>'
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    return package_of(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": container.encode(),
            "b.opf": book.encode(),
            "a.xhtml": write_html(pieces),
        }
    )


WRITERS: dict[str, Callable[[list[Piece]], bytes]] = {
    "plain text": write_text,
    "markdown": write_markdown,
    "html": write_html,
    "docx": write_docx,
    "pptx": write_pptx,
    "pdf": write_pdf,
    "rtf": write_rtf,
    "odt": write_odt,
    "epub": write_epub,
}
