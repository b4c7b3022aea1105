"""The formats that are read: one table, one row and one reader function per format."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is recognised, and the dotted path of its reader.

    A reader returns the Content of a file's bytes, and raises Unreadable when they are not of its format.
    It is named by its path so that its libraries are imported only where a file is parsed.
    """

    name: str
    extensions: frozenset[str]
    mime_types: frozenset[str]
    reader: str


FORMATS: tuple[Format, ...] = (
    Format(
        "markdown",
        frozenset({".md", ".markdown", ".mdown", ".mkd"}),
        frozenset({"text/markdown", "text/x-markdown"}),
        "pipeline.formats.markdown.read_markdown",
    ),
    Format(
        "html",
        frozenset({".html", ".htm", ".xhtml"}),
        frozenset({"text/html", "application/xhtml+xml"}),
        "pipeline.formats.html.read_html",
    ),
    Format(
        "pdf",
        frozenset({".pdf"}),
        frozenset({"application/pdf", "application/x-pdf"}),
        "pipeline.formats.pdf.reader.read_pdf",
    ),
    Format(
        "docx",
        frozenset({".docx", ".docm", ".dotx", ".dotm"}),
        frozenset(
            {
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
                "application/vnd.ms-word.document.macroenabled.12",
                "application/vnd.ms-word.template.macroenabled.12",
            }
        ),
        "pipeline.formats.office.word.reader.read_docx",
    ),
    Format(
        "pptx",
        frozenset({".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"}),
        frozenset(
            {
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
                "application/vnd.openxmlformats-officedocument.presentationml.template",
                "application/vnd.ms-powerpoint.presentation.macroenabled.12",
                "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
                "application/vnd.ms-powerpoint.template.macroenabled.12",
            }
        ),
        "pipeline.formats.office.slides.reader.read_pptx",
    ),
    Format(
        "odt",
        frozenset({".odt", ".ott"}),
        frozenset(
            {
                "application/vnd.oasis.opendocument.text",
                "application/vnd.oasis.opendocument.text-template",
            }
        ),
        "pipeline.formats.office.opendocument.reader.read_odt",
    ),
    Format(
        "odp",
        frozenset({".odp", ".otp"}),
        frozenset(
            {
                "application/vnd.oasis.opendocument.presentation",
                "application/vnd.oasis.opendocument.presentation-template",
            }
        ),
        "pipeline.formats.office.opendocument.reader.read_odp",
    ),
    Format(
        "rtf",
        frozenset({".rtf"}),
        frozenset({"application/rtf", "text/rtf", "application/x-rtf", "text/richtext"}),
        "pipeline.formats.office.rtf.reader.read_rtf",
    ),
    Format(
        "epub",
        frozenset({".epub"}),
        frozenset({"application/epub+zip"}),
        "pipeline.formats.epub.read_epub",
    ),
    Format(
        "plain text",
        frozenset({".txt", ".text"}),
        frozenset({"text/plain"}),
        "pipeline.formats.plain_text.read_plain_text",
    ),
)


#: MIME types that say nothing; a file of such a type without an extension is taken for plain text.
_GENERIC = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown"})
#: «Лекция 1. Введение» has none.
_EXTENSION = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,10}")


def choose_format(path: str, name: str, mime_type: str) -> Format | None:
    """The format of a file: by the extension of its path, else of its name, else by its MIME type; None if unknown."""
    for extension in (_extension(path), _extension(name)):
        for known in FORMATS:
            if extension in known.extensions:
                return known
    essence = mime_type.partition(";")[0].strip().lower()
    if essence in _GENERIC and not any(map(_EXTENSION.fullmatch, (_extension(path), _extension(name)))):
        return find_format("plain text")
    return next((known for known in FORMATS if essence in known.mime_types), None)


def _extension(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def find_format(name: str) -> Format:
    """The format of this name, which must be one of the table."""
    return next(known for known in FORMATS if known.name == name)
