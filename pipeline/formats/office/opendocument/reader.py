"""ODT and ODP: headings by outline levels and titles of slides, lists with their numbers, tables and notes.

Deleted and hidden text, comments, tables of contents and pictures are left out.
"""

import re
from collections.abc import Iterator

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.office.composition import compose
from pipeline.formats.office.model import Block, Paragraph
from pipeline.formats.office.opendocument.document import DocumentReader
from pipeline.formats.office.opendocument.names import DRAW, OFFICE, PRESENTATION, SVG
from pipeline.formats.office.package import Element, Package, read_package, refuse_deep_nesting
from pipeline.formats.office.properties import titled
from pipeline.formats.office.slides.places import Place, order

_LENGTH = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)(cm|mm|in|pt)")
_EMU = {"cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700}


def read_odt(data: bytes) -> Content:
    """The text of the document in its order, notes after the paragraphs that they belong to.

    Raises Unreadable when the package is broken, encrypted or a bomb.
    """
    package, content = _open(data)
    text = content.find(f"{OFFICE}body/{OFFICE}text")
    if text is None:
        raise Unreadable("файл повреждён: в нём нет текста документа")
    blocks = Blocks()
    with refuse_deep_nesting():
        compose(list(DocumentReader(package, content).read(text)), blocks)
    return titled(blocks.finish(), package)


def read_odp(data: bytes) -> Content:
    """The slides in order: title, texts and tables as people read them, notes. Raises Unreadable as `read_odt` does."""
    package, content = _open(data)
    blocks = Blocks()
    reader = DocumentReader(package, content)
    with refuse_deep_nesting():
        for page in content.iter(f"{DRAW}page"):
            _read_slide(reader, page, blocks)
    return titled(blocks.finish(), package)


def _open(data: bytes) -> tuple[Package, Element]:
    package = read_package(data)
    if b"encryption-data" in package.parts.get("META-INF/manifest.xml", b""):
        raise Unreadable("файл защищён паролем")
    content = package.parse("content.xml")
    if content is None or content.find(f"{OFFICE}body") is None:
        raise Unreadable("файл повреждён: в нём нет текста документа")
    return package, content


def _read_slide(reader: DocumentReader, page: Element, blocks: Blocks) -> None:
    notes = page.find(f"{PRESENTATION}notes")
    frames = [child for child in page if child.tag.startswith(DRAW)]
    frames = [frames[at] for at in order([_find_place(frame) for frame in frames])]
    title = next((frame for frame in frames if frame.get(f"{PRESENTATION}class") == "title"), None)
    if title is not None:
        blocks.add_heading(2, " ".join(block.text for block in _read(reader, title) if isinstance(block, Paragraph)))
    for frame in frames:
        if frame is not title:
            compose(list(_read(reader, frame)), blocks, has_tight_lists=True)
    if notes is not None:
        compose(list(reader.read(notes)), blocks)


def _read(reader: DocumentReader, frame: Element) -> Iterator[Block]:
    holder = Element(f"{DRAW}page")
    holder.append(frame)
    yield from reader.read(holder)


def _find_place(frame: Element) -> Place:
    return Place(*(_length(frame.get(f"{SVG}{name}", "")) for name in ("x", "y", "width", "height")))


def _length(text: str) -> float:
    found = _LENGTH.fullmatch(text)
    return float(found[1]) * _EMU[found[2]] if found else 0
