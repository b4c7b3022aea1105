"""DOCX: headings by Word's styles, lists with their numbers, tables, formulas and notes.

Deleted and hidden text, comments, page heads, tables of contents and pictures are left out.
"""

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.html import read_html
from pipeline.formats.office.composition import compose
from pipeline.formats.office.model import Block
from pipeline.formats.office.package import Package, read_package, refuse_deep_nesting
from pipeline.formats.office.properties import titled
from pipeline.formats.office.word.document import DocumentReader
from pipeline.formats.office.word.names import W
from pipeline.formats.plain_text import read_plain_text

_USUAL = "word/document.xml"


def read_docx(data: bytes) -> Content:
    """The text of the document in its order, notes and text boxes after the paragraphs that they belong to.

    Headings are the paragraphs with an outline level: of their own, of their style or of one it is based on; those
    with a style named so; and short paragraphs all in bold. Raises Unreadable when the package is broken, encrypted or
    a bomb.
    """
    with refuse_deep_nesting():
        return _read(data, is_included=False)


def _read(data: bytes, *, is_included: bool) -> Content:
    package = read_package(data)
    main = package.find_related("", "officeDocument") or _USUAL
    root = package.parse(main)
    if root is None or root.find(f"{W}body") is None:
        raise Unreadable("файл повреждён: в нём нет текста документа")

    def include(part: str) -> list[Block]:
        return [] if is_included else _include(package, part)

    blocks = Blocks()
    compose(DocumentReader(package, main, root, include).read(), blocks)
    return titled(blocks.finish(), package)


def _include(package: Package, part: str) -> list[Block]:
    """A document that is kept in the package for Word to insert it at the next opening."""
    name = package.find(part)
    content = package.parts[name] if name is not None else b""
    extension = (name or "").lower().rpartition(".")[2]
    if extension in {"htm", "html", "xhtml"}:
        return [read_html(content)]
    if extension == "txt":
        return [read_plain_text(content)]
    return [_read(content, is_included=True)] if extension == "docx" else []
