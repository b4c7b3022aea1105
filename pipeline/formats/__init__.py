"""The formats that are read: one table, one row and one reader function per format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.formats.content import Content
from pipeline.formats.html import read_html
from pipeline.formats.markdown import read_markdown
from pipeline.formats.plain_text import read_plain_text


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is recognised and read. `read` raises Unreadable when the bytes are not of this format."""

    name: str
    extensions: frozenset[str]
    mime_types: frozenset[str]
    read: Callable[[bytes], Content]


FORMATS = (
    Format(
        "markdown",
        frozenset({".md", ".markdown", ".mdown", ".mkd"}),
        frozenset({"text/markdown", "text/x-markdown"}),
        read_markdown,
    ),
    Format(
        "html",
        frozenset({".html", ".htm", ".xhtml"}),
        frozenset({"text/html", "application/xhtml+xml"}),
        read_html,
    ),
    Format("plain text", frozenset({".txt", ".text"}), frozenset({"text/plain"}), read_plain_text),
)


def choose_format(path: str, name: str, mime_type: str) -> Format | None:
    """The format of a file: by the extension of its path, else of its name, else by its MIME type; None if unknown."""
    for extension in (_extension(path), _extension(name)):
        for known in FORMATS:
            if extension in known.extensions:
                return known
    essence = mime_type.partition(";")[0].strip().lower()
    return next((known for known in FORMATS if essence in known.mime_types), None)


def _extension(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
