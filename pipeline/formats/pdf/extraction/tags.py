"""What a tagged page says of itself: which marked contents are headings or contents, and what its figures show."""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
from pypdfium2 import raw

from pipeline.formats.pdf.extraction.annotations import read_string
from pipeline.formats.pdf.lines import CONTENTS, Font, Line
from pipeline.formats.placeholders import show_alternative_text

_HEADING = re.compile(r"H([1-6])")
#: What holds neither headings nor figures of its own.
_NOT_ENTERED = frozenset({"Span", "Link", "Formula", "L", "Reference", "Table"})
_DEEPEST, _MOST_ELEMENTS = 30, 20_000
_SIZE = 10.0


@dataclass(slots=True)
class Tags:
    """Of one page: the level of heading, or CONTENTS, by marked content; the description of each figure by its own."""

    kinds: dict[int, int] = field(default_factory=dict)
    figures: dict[int, str] = field(default_factory=dict)
    seen: int = 0


def read_tags(page: pypdfium2.PdfPage) -> Tags:
    """The tags of the page; none when it has no structure."""
    tags = Tags()
    tree = raw.FPDF_StructTree_GetForPage(page.raw)
    if tree:
        for at in range(raw.FPDF_StructTree_CountChildren(tree)):
            _walk(raw.FPDF_StructTree_GetChildAtIndex(tree, at), 0, 0, tags)
        raw.FPDF_StructTree_Close(tree)
    return tags


def _walk(element: Any, kind: int, depth: int, tags: Tags) -> None:
    tags.seen += 1
    if not element or depth > _DEEPEST or tags.seen > _MOST_ELEMENTS:
        return
    name = read_string(lambda buffer, size: raw.FPDF_StructElement_GetType(element, buffer, size))
    heading = _HEADING.fullmatch(name)
    kind = CONTENTS if name == "TOCI" else int(heading[1]) if heading else kind
    contents = list(_read_contents(element)) if kind or name == "Figure" else []
    if name == "Figure" and contents:
        shown = read_string(lambda buffer, size: raw.FPDF_StructElement_GetAltText(element, buffer, size))
        tags.figures[contents[0]] = show_alternative_text(shown)
    if kind:
        tags.kinds.update(dict.fromkeys(contents, kind))
    if kind or name not in _NOT_ENTERED:
        for at in range(raw.FPDF_StructElement_CountChildren(element)):
            _walk(raw.FPDF_StructElement_GetChildAtIndex(element, at), kind, depth + 1, tags)


def _read_contents(element: Any) -> Iterator[int]:
    for at in range(raw.FPDF_StructElement_GetMarkedContentIdCount(element)):
        content = raw.FPDF_StructElement_GetMarkedContentIdAtIndex(element, at)
        if content >= 0:
            yield content


def describe_figures(page: pypdfium2.PdfPage, tags: Tags, number: int) -> Iterator[Line]:
    """Yields a line for each described figure of the page, at its place."""
    wanted = {content: text for content, text in tags.figures.items() if text}
    for at in range(raw.FPDFPage_CountObjects(page.raw) if wanted else 0):
        found = raw.FPDFPage_GetObject(page.raw, at)
        text = wanted.pop(raw.FPDFPageObj_GetMarkedContentID(found), "")
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if text and raw.FPDFPageObj_GetBounds(found, left, bottom, right, top):
            yield Line(number, text, _SIZE, Font(), left.value, right.value, bottom.value, top.value)
