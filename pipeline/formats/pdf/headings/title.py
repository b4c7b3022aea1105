"""The title property of a file: the heading that its text begins with, if it has none."""

import re
from collections.abc import Sequence

from pipeline.formats.pdf.headings.bookmarks import match_bookmarks
from pipeline.formats.pdf.headings.plausible import can_be_heading
from pipeline.formats.pdf.lines import Bookmark, Line, squeeze
from pipeline.formats.placeholders import is_placeholder

_PATH = re.compile(r"\S*[_/\\]\S*")
#: A heading among so many lines at the beginning is the title already.
_FIRST_LINES = 12
_SHORTEST = 4


def clean_title(title: str) -> str:
    """The title if an author has written it, else nothing."""
    title = " ".join(title.split())
    is_name = can_be_heading(title) and not is_placeholder(title) and not _PATH.fullmatch(title)
    return title if is_name and len(squeeze(title)) >= _SHORTEST else ""


def begin_with_title(lines: Sequence[Line], levels: list[int], title: str) -> bool:
    """False if the text begins without a heading; lines that are the title are one from then on."""
    first = lines[:_FIRST_LINES]
    if first and not any(levels[: len(first)]):
        levels[: len(first)] = match_bookmarks(first, [Bookmark(first[0].page, 1, title)])
    return any(levels[: len(first)])
