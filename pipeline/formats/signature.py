"""What a file is by its first bytes; its name does not matter."""

import re

from pipeline.formats.content import Unreadable
from pipeline.formats.office.package import list_names, read_entry

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_RTF = b"{\\rtf"
_PDF = b"%PDF-"
#: A PDF may have this much in front of it.
_PDF_WITHIN = 1024
_HTML = (b"<!doctype html", b"<html", b"<?xml")
#: The formats whose files begin with bytes of their own.
_KNOWN_BY_CONTENT = frozenset({"pdf", "docx", "pptx", "odt", "odp", "rtf", "epub"})

#: What the content type of the main part of an OOXML package says. The part may have any name.
_MAIN_PART = re.compile(
    rb"(wordprocessingml|ms-word|presentationml|ms-powerpoint|spreadsheetml|ms-excel)[\w.]*\.main\+xml"
)
_OFFICE = {
    "wordprocessingml": "docx",
    "ms-word": "docx",
    "presentationml": "pptx",
    "ms-powerpoint": "pptx",
    "spreadsheetml": "xlsx",
    "ms-excel": "xlsx",
}
#: And the usual names of the main part.
_MAIN_PARTS = {"word/document.xml": "docx", "ppt/presentation.xml": "pptx", "xl/workbook.xml": "xlsx"}
_OPEN_DOCUMENT = re.compile(rb"application/vnd\.oasis\.opendocument\.(\w+)")
_OPEN_FORMATS = {b"text": "odt", b"presentation": "odp"}


def recognise(data: bytes, claimed: str | None) -> str | None:
    """The name of the format the content shows; None when it may be any text.

    `claimed` is the format by the file's name, which decides only where the content leaves a doubt. Raises Unreadable
    for what is known and not read, and for text that claims to be of a format that is known by its content.
    """
    head = data[:_PDF_WITHIN].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(_PDF) or (claimed == "pdf" and _PDF in head):
        return "pdf"
    if head.startswith(_ZIP):
        return _recognise_package(data)
    if head.startswith(_OLE):
        raise Unreadable(_explain_ole(data))
    if head.startswith(_RTF):
        return "rtf"
    if claimed in _KNOWN_BY_CONTENT:
        if head.lower().startswith(_HTML):
            return "html"
        raise Unreadable(f"содержимое файла — не {claimed.upper()}: он повреждён или неверно назван")
    return None


def _recognise_package(data: bytes) -> str:
    names = list_names(data)
    main = _MAIN_PART.search(read_entry(data, "[Content_Types].xml")) if "[Content_Types].xml" in names else None
    shown = (
        _OFFICE[main[1].decode()] if main else next((_MAIN_PARTS[name] for name in _MAIN_PARTS if name in names), None)
    )
    if shown == "xlsx":
        raise Unreadable("таблицы Excel не поддерживаются, сохраните файл в PDF")
    if shown is not None:
        return shown
    if "META-INF/container.xml" in names:
        return "epub"
    if "content.xml" in names and "META-INF/manifest.xml" in names:
        return _recognise_open_document(data)
    raise Unreadable("это архив, а не документ: приложите файлы по отдельности")


def _recognise_open_document(data: bytes) -> str:
    """The format by the name that the package gives itself."""
    for entry in ("mimetype", "META-INF/manifest.xml"):
        kind = _OPEN_DOCUMENT.search(read_entry(data, entry))
        if kind is not None and kind[1] in _OPEN_FORMATS:
            return _OPEN_FORMATS[kind[1]]
    raise Unreadable("таблицы и рисунки OpenDocument не поддерживаются, сохраните файл в PDF")


def _explain_ole(data: bytes) -> str:
    """Old Office files and encrypted new ones share a container; its directory is not compressed."""
    if _ENCRYPTED_PACKAGE in data:
        return "файл защищён паролем"
    return "формат Office 97–2003 не поддерживается, сохраните файл в DOCX, PPTX или PDF"
