"""What a file is by its first bytes; its name does not matter."""

from pipeline.formats.content import Unreadable
from pipeline.formats.package import list_names

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_RTF = b"{\\rtf"
_PDF = b"%PDF-"
#: A PDF may have this much in front of it.
_PDF_WITHIN = 1024
_HTML = (b"<!doctype html", b"<html", b"<?xml")


def recognise(data: bytes, claimed: str | None) -> str | None:
    """The name of the format the content shows; None when it may be any text.

    `claimed` is the format by the file's name, which decides only where the content leaves a doubt. Raises Unreadable
    for what is known and not read, and for text that claims to be PDF, DOCX or PPTX.
    """
    head = data[:_PDF_WITHIN].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(_PDF) or (claimed == "pdf" and _PDF in head):
        return "pdf"
    if head.startswith(_ZIP):
        return _recognise_package(data)
    if head.startswith(_OLE):
        raise Unreadable(_explain_ole(data))
    if head.startswith(_RTF):
        raise Unreadable("формат RTF не поддерживается, сохраните файл в DOCX")
    if claimed in {"pdf", "docx", "pptx"}:
        if head.lower().startswith(_HTML):
            return "html"
        raise Unreadable(f"содержимое файла — не {claimed.upper()}: он повреждён или неверно назван")
    return None


def _recognise_package(data: bytes) -> str:
    names = list_names(data)
    if "word/document.xml" in names:
        return "docx"
    if "ppt/presentation.xml" in names:
        return "pptx"
    if "xl/workbook.xml" in names:
        raise Unreadable("таблицы Excel не поддерживаются, сохраните файл в PDF")
    if "content.xml" in names and "META-INF/manifest.xml" in names:
        raise Unreadable("формат OpenDocument не поддерживается, сохраните файл в DOCX или PDF")
    raise Unreadable("это архив, а не документ: приложите файлы по отдельности")


def _explain_ole(data: bytes) -> str:
    """Old Office files and encrypted new ones share a container; its directory is not compressed."""
    if _ENCRYPTED_PACKAGE in data:
        return "файл защищён паролем"
    return "формат Office 97–2003 не поддерживается, сохраните файл в DOCX, PPTX или PDF"
