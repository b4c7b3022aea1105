"""Bookmarks and entries of tables of contents name lines of the text: those are headings."""

import re
from collections import defaultdict
from collections.abc import Sequence

from pipeline.formats.pdf.furniture.contents import Entry
from pipeline.formats.pdf.lines import Bookmark, Line, squeeze
from pipeline.markdown_text import DEEPEST_LEVEL

#: A title has so many lines at most.
_MOST_LINES = 4
_NUMBERING = re.compile(
    r"^\s*(?:(?:глава|часть|раздел|лекция|тема|chapter|part|section|appendix|приложение)\s+)?"
    r"[§№]?\s*(?:\d+(?:\.\d+)*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[IVXLC]+(?![^\W\d_])|[A-ZА-Я](?=\.))[.):]*(?:\s+|(?=[^\W\d_])|$)",
    re.IGNORECASE,
)


def match_bookmarks(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> list[int]:
    """The level per line of the bookmark whose title it is or, with lines after it, makes up."""
    levels = [0] * len(lines)
    by_page: dict[int, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        by_page[line.page].append(at)
    for bookmark in bookmarks:
        for page in (bookmark.page, bookmark.page + 1, bookmark.page - 1):
            if _mark(lines, by_page.get(page, ()), bookmark.title, bookmark.level, levels):
                break
    return levels


def match_entries(lines: Sequence[Line], entries: Sequence[Entry], levels: list[int]) -> list[tuple[int, int]]:
    """The indexes of the lines that an entry names, each entry at the largest such line, and its level or 1."""
    found: list[tuple[int, int]] = []
    by_text: dict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        by_text[squeeze(strip_number(line.text))[:8]].append(at)
    for entry in entries:
        wanted = squeeze(strip_number(entry.title))
        runs = [
            (lines[at].size, -at, run)
            for at in by_text.get(wanted[:8], ())
            if not levels[at] and (run := _match_title(lines, at, squeeze(entry.title), wanted))
        ]
        if runs and len(wanted) > 2:
            _, first, run = max(runs)
            found += [(at, max(entry.level, 1)) for at in range(-first, run - first)]
    return found


def strip_number(title: str) -> str:
    return _NUMBERING.sub("", title, count=1) or title


def _mark(lines: Sequence[Line], places: Sequence[int], title: str, level: int, levels: list[int]) -> bool:
    whole, bare = squeeze(title), squeeze(strip_number(title))
    if not whole:
        return False
    runs = [
        (lines[at].size, -at, run) for at in places if not levels[at] and (run := _match_title(lines, at, whole, bare))
    ]
    if not runs:
        return False
    _, first, run = max(runs)
    levels[-first : run - first] = [min(level, DEEPEST_LEVEL)] * run
    return True


def _match_title(lines: Sequence[Line], first: int, whole: str, bare: str) -> int:
    """How many lines from `first` make up the title, with or without its number; 0 if they don't."""
    text = ""
    for run, line in enumerate(lines[first : first + _MOST_LINES], start=1):
        text = f"{text} {line.text}"
        squeezed = squeeze(text)
        if squeezed in (whole, bare) or squeeze(strip_number(text)) == bare:
            return run
        if len(squeezed) > len(whole) + 12:
            return 0
    return 0
