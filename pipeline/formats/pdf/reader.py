"""PDF: the text layer by PDFium, its lines put back into headings and paragraphs."""

import ctypes
from collections.abc import Iterator
from statistics import median

import pypdfium2
from pypdfium2 import raw

from pipeline.formats.content import Content, Unreadable
from pipeline.formats.pdf.layout import lay_out
from pipeline.formats.pdf.lines import Bookmark, Line

MAX_PAGES = 2000
_TAIL = 2048
#: PDFium's mark for a hyphen at the end of a line.
_HYPHENS = frozenset({0x02, 0xFFFE, 0xAD})
#: Bullets of symbol fonts, which have no Unicode character of their own.
_SYMBOL_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF06C, 0xF06E), 0x2022)
_LINE_ENDS = frozenset({0x0A, 0x0D})
_BOLD_WEIGHT = 600
_BOLD_NAMES = (b"bold", b"black", b"heavy")
_LONGEST_FONT_NAME = 128
#: More bookmarks than this outline no document.
_MOST_BOOKMARKS = 5000


def read_pdf(data: bytes) -> Content:
    """The text of all pages: bookmarks and large or bold lines as headings, lines joined to paragraphs.

    Heads and numbers that repeat from page to page are dropped. Raises Unreadable when the file is cut short, broken or
    protected, has too many pages, or has pages but no text on them.
    """
    _refuse_cut_short(data)
    document = _open(data)
    try:
        count = len(document)
        if count > MAX_PAGES:
            raise Unreadable(f"в файле больше {MAX_PAGES} страниц: разделите его")
        if not count:
            raise Unreadable("файл повреждён: в нём нет страниц")
        pages = [list(_read_page(document, number)) for number in range(count)]
        if not any(pages):
            raise Unreadable("это скан без текста: распознайте его и приложите файл с текстовым слоем")
        return lay_out(pages, list(_read_bookmarks(document)))
    finally:
        document.close()


def _refuse_cut_short(data: bytes) -> None:
    tail = data.rstrip(b"\0 \t\r\n")[-_TAIL:]
    if b"%%EOF" not in tail and b"startxref" not in tail:
        raise Unreadable("файл обрезан: он загружен не целиком")


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        code = raw.FPDF_GetLastError()
        if code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY} or "password" in str(error).lower():
            raise Unreadable("файл защищён паролем") from error
        raise Unreadable("файл повреждён, разобрать его не удалось") from error


def _read_bookmarks(document: pypdfium2.PdfDocument) -> Iterator[Bookmark]:
    for number, entry in enumerate(document.get_toc()):
        if number >= _MOST_BOOKMARKS:
            return
        target = entry.get_dest()
        page = target.get_index() if target is not None else None
        if page is not None:
            yield Bookmark(page, entry.level + 1, entry.get_title())


def _read_page(document: pypdfium2.PdfDocument, number: int) -> Iterator[Line]:
    """Yields the lines of the page in the order they were written in."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError as error:
        raise Unreadable(f"файл повреждён: страница {number + 1} не читается") from error
    text = page.get_textpage()
    try:
        start = 0
        codes = [raw.FPDFText_GetUnicode(text.raw, at) for at in range(raw.FPDFText_CountChars(text.raw))]
        for at, code in enumerate([*codes, 0x0A]):
            if code in _LINE_ENDS or code in _HYPHENS:
                is_hyphenated = code in _HYPHENS
                line = _measure(text.raw, codes, start, at, number, is_hyphenated)
                if line is not None:
                    yield line
                start = at + 1
    finally:
        text.close()
        page.close()


def _measure(text: object, codes: list[int], start: int, end: int, page: int, is_hyphenated: bool) -> Line | None:
    """The line of the characters from `start` to `end`; None when they are blank."""
    while start < end and chr(codes[start]).isspace():
        start += 1
    while start < end and chr(codes[end - 1]).isspace():
        end -= 1
    if start == end:
        return None
    first, last = _box(text, start), _box(text, end - 1)
    samples = sorted({start, (start + end) // 2, end - 1})
    return Line(
        page,
        _decode(codes[start:end]),
        median(_size(text, at) for at in samples),
        all(_is_bold(text, at) for at in samples),
        min(first.left, last.left),
        max(first.right, last.right),
        min(first.bottom, last.bottom),
        max(first.top, last.top),
        is_hyphenated,
    )


def _decode(codes: list[int]) -> str:
    """The characters as one line; halves of surrogate pairs joined, what is no character left out."""
    joined = (
        "".join(chr(_SYMBOL_BULLETS.get(code, code)) for code in codes)
        .encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "ignore")
    )
    return " ".join("".join(char for char in joined if char.isprintable() or char.isspace()).split())


def _box(text: object, at: int) -> raw.FS_RECTF:
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text, at, box)
    return box


def _size(text: object, at: int) -> float:
    """The height of the font on the page: its nominal size, scaled."""
    matrix = raw.FS_MATRIX()
    scale = 1.0
    if raw.FPDFText_GetMatrix(text, at, matrix):
        scale = (matrix.c**2 + matrix.d**2) ** 0.5 or 1.0
    return round(float(raw.FPDFText_GetFontSize(text, at)) * scale, 1)


def _is_bold(text: object, at: int) -> bool:
    if raw.FPDFText_GetFontWeight(text, at) >= _BOLD_WEIGHT:
        return True
    name = ctypes.create_string_buffer(_LONGEST_FONT_NAME)
    raw.FPDFText_GetFontInfo(text, at, name, _LONGEST_FONT_NAME, None)
    return any(bold in name.value.lower() for bold in _BOLD_NAMES)
