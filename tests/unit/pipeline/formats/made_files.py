"""PDF, DOCX and PPTX files made for tests, by libraries and by hand."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pptx
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

LEFT, TOP, PITCH, SIZE = 60, A4[1] - 80, 14, 10
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

for name in ("Regular", "Bold"):
    pdfmetrics.registerFont(TTFont(name, str(files("fontpkg_pt_sans") / "files" / f"PT_Sans-Web-{name}.ttf")))


class Pdf:
    """A PDF under construction; `line` writes downwards from the top of the page."""

    def __init__(self, password: str | None = None) -> None:
        self._bytes = BytesIO()
        encrypt = StandardEncryption(password, ownerPassword="owner") if password is not None else None
        self.canvas = Canvas(self._bytes, pagesize=A4, encrypt=encrypt, invariant=1)
        self._top = TOP

    def line(
        self, text: str, size: float = SIZE, *, bold: bool = False, left: float = LEFT, gap: float = 0, level: int = -1
    ) -> "Pdf":
        """One line; `gap` is the space above it in lines, `level` that of its bookmark."""
        self._top -= gap * PITCH + max(PITCH, size * 1.3)
        self.canvas.setFont("Bold" if bold else "Regular", size)
        self.canvas.drawString(left, self._top, text)
        if level >= 0:
            self.canvas.bookmarkPage(text)
            self.canvas.addOutlineEntry(text, text, level)
        return self

    def lines(self, *texts: str, left: float = LEFT) -> "Pdf":
        for text in texts:
            self.line(text, left=left)
        return self

    def at(self, left: float, bottom: float, text: str, size: float = 8) -> "Pdf":
        self.canvas.setFont("Regular", size)
        self.canvas.drawString(left, bottom, text)
        return self

    def top(self) -> "Pdf":
        """The next line is the first of a page or column."""
        self._top = TOP
        return self

    def page(self) -> "Pdf":
        self.canvas.showPage()
        return self.top()

    def finish(self) -> bytes:
        self.canvas.save()
        return self._bytes.getvalue()


def pdf_of(*lines: str) -> bytes:
    return Pdf().lines(*lines).finish()


def raw_pdf(objects: Mapping[int, bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """The objects as a PDF with a cross-reference table."""
    body = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    count = max(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n" % count
    for number in range(1, count):
        body += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 00000 f \n"
    body += b"trailer\n<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (count, root, trailer, start)
    return bytes(body)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), entries, content)


def docx_of(build: Callable[[Any], object]) -> bytes:
    """A DOCX; `build` is given the empty document."""
    document = docx.Document(BytesIO(empty_docx()))
    build(document)
    packed = BytesIO()
    document.save(packed)
    return packed.getvalue()


@cache
def empty_docx() -> bytes:
    """The library's empty document without its hundred looks of tables, which would be most of what is to be read."""
    document = docx.Document()
    for style in list(document.styles.element.style_lst):
        if style.type == WD_STYLE_TYPE.TABLE and not style.default:
            style.getparent().remove(style)
    packed = BytesIO()
    document.save(packed)
    return packed.getvalue()


def insert_xml(document: Any, xml: str) -> None:
    """Puts raw WordprocessingML at the end of the document; its prefix is `w`."""
    tag, _, rest = xml.partition(">")
    document.element.body[-1].addprevious(parse_xml(f"{tag} {nsdecls('w')}>{rest}"))


def pptx_of(build: Callable[[Any], object]) -> bytes:
    """A PPTX; `build` is given the empty presentation."""
    presentation = pptx.Presentation()
    build(presentation)
    packed = BytesIO()
    presentation.save(packed)
    return packed.getvalue()


def package_of(parts: Mapping[str, bytes]) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return packed.getvalue()


def replace_part(package: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The package with one part changed."""
    with ZipFile(BytesIO(package)) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    return package_of({**parts, part: change(parts.get(part, b""))})


def document_xml(paragraphs: Sequence[str], prolog: str = "") -> bytes:
    """The main part of a DOCX, written by hand."""
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return f'<?xml version="1.0"?>{prolog}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'.encode()
