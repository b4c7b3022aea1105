"""What stands on a page beside its text: values of form fields, notes typed on it, descriptions of its figures."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pypdfium2
from pypdfium2 import raw

from pipeline.formats.pdf.lines import Font, Line

_WRITTEN = frozenset({raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX})
_CHECKED = frozenset({raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON})
_SIZE = 10.0
#: A page with more is not looked through.
_MOST_ANNOTATIONS = 2000


def read_annotations(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, number: int) -> Iterator[Line]:
    """Yields a line for each filled field and each note on the page, at its place."""
    count = raw.FPDFPage_GetAnnotCount(page.raw)
    for at in range(count if count <= _MOST_ANNOTATIONS else 0):
        annotation = raw.FPDFPage_GetAnnot(page.raw, at)
        if not annotation:
            continue
        text = " ".join(_read_text(document, annotation).split())
        box = raw.FS_RECTF()
        if text and raw.FPDFAnnot_GetRect(annotation, box):
            yield Line(number, text, _SIZE, Font(), box.left, box.right, box.bottom, box.top)
        raw.FPDFPage_CloseAnnot(annotation)


def _read_text(document: pypdfium2.PdfDocument, annotation: Any) -> str:
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    if kind == raw.FPDF_ANNOT_FREETEXT:
        return read_string(lambda buffer, size: raw.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size))
    if kind != raw.FPDF_ANNOT_WIDGET or document.formenv is None:
        return ""
    form = document.formenv.raw
    field = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if field in _CHECKED:
        return "[x]" if raw.FPDFAnnot_IsChecked(form, annotation) else ""
    if field not in _WRITTEN:
        return ""
    return read_string(lambda buffer, size: raw.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size))


def read_string(read: Callable[[Any, int], int]) -> str:
    """The UTF-16 text that `read` writes into a buffer; without a buffer it returns the size in bytes."""
    size = read(None, 0)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    read(buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "ignore").replace("\0", "")


def insert_lines(lines: Sequence[Line], added: Sequence[Line]) -> list[Line]:
    """The lines with the `added` ones, each behind the one to the left of it, or in front of the first one below it."""
    placed = list(lines)
    for line in added:
        at = _find_place(placed, line)
        near = placed[max(at - 1, 0)] if placed else line
        placed.insert(at, replace(line, size=near.size, font=near.font))
    return placed


def _find_place(lines: Sequence[Line], line: Line) -> int:
    middle = (line.bottom + line.top) / 2
    beside = [at for at, other in enumerate(lines) if other.bottom <= middle <= other.top and other.left < line.left]
    if beside:
        return max(beside, key=lambda at: lines[at].left) + 1
    return next((at for at, other in enumerate(lines) if other.top < middle), len(lines))
