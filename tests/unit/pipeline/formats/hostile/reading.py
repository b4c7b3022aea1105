"""One file read as the stage reads it, and files that it reads without fault."""

import time
from io import BytesIO
from pathlib import Path

import msoffcrypto.format.ooxml

from pipeline.contract import Document, File
from pipeline.document_processing import FileReader
from pipeline.parsing.apart import Patience
from tests.unit.pipeline.formats.made_files import docx_of, pdf_of, pptx_of

TEXT = "Обычный текст документа."
DOCX = docx_of(lambda document: document.add_paragraph(TEXT))
PPTX = pptx_of(lambda slides: slides.slides.add_slide(slides.slide_layouts[0]))
PDF = pdf_of(TEXT)
DAMAGED = "файл повреждён"
WITHIN_S = 30


def read(root: Path, name: str, data: bytes, limit_s: int = 20) -> Document:
    """The document of a file with these bytes; fails the test when it takes much longer than its limit."""
    (root / name).write_bytes(data)
    started = time.monotonic()
    document = FileReader(root, Patience(limit_s)).process(File("1", name, name, ""))
    assert time.monotonic() - started < WITHIN_S
    assert document.error is None or not (document.text or document.headings)
    return document


def refusal(root: Path, name: str, data: bytes, limit_s: int = 20) -> str:
    error = read(root, name, data, limit_s).error
    assert error is not None
    return error


def encrypt(data: bytes) -> bytes:
    encrypted = BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(BytesIO(data)).encrypt("secret", encrypted)
    return encrypted.getvalue()
