"""PDF: the text layer by PDFium, its lines put back into headings and paragraphs."""

from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

from pipeline.formats.content import Content, Unreadable
from pipeline.formats.pdf.extraction.annotations import insert_lines, read_annotations
from pipeline.formats.pdf.extraction.assembly import assemble
from pipeline.formats.pdf.extraction.fonts import Fonts
from pipeline.formats.pdf.extraction.tags import Tags, describe_figures, read_tags
from pipeline.formats.pdf.extraction.words import PageText
from pipeline.formats.pdf.layout import lay_out
from pipeline.formats.pdf.lines import Bookmark, Line

MAX_PAGES = 2000
_TAIL = 2048
#: More bookmarks than this outline no document.
_MOST_BOOKMARKS = 5000


def read_pdf(data: bytes) -> Content:
    """The text of all pages with its headings, paragraphs, tables and code, without what belongs to the pages.

    Damaged pages are skipped. Raises Unreadable when the file is cut short, broken or
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
        if document.get_formtype() != raw.FORMTYPE_NONE:
            document.init_forms()
        fonts = Fonts()
        is_tagged = bool(raw.FPDFCatalog_IsTagged(document.raw))
        pages = [_read_page(document, number, fonts, is_tagged=is_tagged) for number in range(count)]
        if all(page is None for page in pages):
            raise Unreadable("файл повреждён: ни одна страница не читается")
        if not any(pages):
            raise Unreadable("это скан без текста: распознайте его и приложите файл с текстовым слоем")
        title = document.get_metadata_value("Title")
        return lay_out([page or [] for page in pages], list(_read_bookmarks(document)), title)
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


def _read_page(document: pypdfium2.PdfDocument, number: int, fonts: Fonts, *, is_tagged: bool) -> list[Line] | None:
    """The lines of the page in the order they were written in; None when it is damaged."""
    try:
        page = document[number]
        tags = read_tags(page) if is_tagged else Tags()
        text = PageText(page, fonts, tags.kinds)
    except pypdfium2.PdfiumError:
        return None
    try:
        lines = assemble(text.read(), number)
        added = [*read_annotations(document, page, number), *describe_figures(page, tags, number)]
        return insert_lines(lines, added) if added else lines
    finally:
        text.close()
        page.close()
