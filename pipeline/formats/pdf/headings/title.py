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


def mark_title(lines: Sequence[Line], levels: list[int], title: str) -> str:
    """Makes the lines that are the title a heading; returns the title if it is to stand before the text, else ""."""
    title = " ".join(title.split())
    if not lines or _NO_TITLE.match(title) or not can_be_heading(title) or len(squeeze(title)) < 4:
        return ""
    first = lines[:_FIRST_LINES]
    matched = match_bookmarks(first, [Bookmark(first[0].page, 1, title)])
    for at, level in enumerate(matched):
        levels[at] = levels[at] or level
    return "" if any(levels[: len(first)]) else title
