"""The title property of a file: the heading that its text begins with, if it has none."""

import re
from collections.abc import Sequence

from pipeline.formats.pdf.headings.bookmarks import match_bookmarks
from pipeline.formats.pdf.headings.plausible import can_be_heading
from pipeline.formats.pdf.lines import Bookmark, Line, squeeze

#: What programs write there by themselves: names of files and of themselves.
_NO_TITLE = re.compile(
    r"microsoft word|powerpoint|untitled|без имени|безымянн|документ\s*\d*$|document\s*\d*$|презентация\s*\d*$"
    r"|.*\.(?:docx?|pptx?|pdf|tex|dvi|odt|rtf|indd|qxd|md|html?|txt)\b|\S*[_/\\]\S*$|\(anonymous\)"
    r"|slide \d|layout \d|template|title$",
    re.IGNORECASE,
)
#: A heading among so many lines at the beginning is the title already.
_FIRST_LINES = 12
_SHORTEST = 4


def clean_title(title: str) -> str:
    """The title if an author has written it, else nothing."""
    title = " ".join(title.split())
    is_name = can_be_heading(title) and not _NO_TITLE.match(title) and len(squeeze(title)) >= _SHORTEST
    return title if is_name else ""


def begin_with_title(lines: Sequence[Line], levels: list[int], title: str) -> bool:
    """False if the text begins without a heading; lines that are the title are one from then on."""
    first = lines[:_FIRST_LINES]
    if first and not any(levels[: len(first)]):
        levels[: len(first)] = match_bookmarks(first, [Bookmark(first[0].page, 1, title)])
    return any(levels[: len(first)])
