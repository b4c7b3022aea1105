"""The lines that are headings, and their levels.

These are the lines that bookmarks, tags and tables of contents name, the lines in a font larger than that of most
text, short ones in bold that stand alone, and those that are worded as headings and stand alone. Where bookmarks or
tags name the headings of a document closely, others must look like these.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from pipeline.formats.pdf.furniture.contents import Entry
from pipeline.formats.pdf.headings.bookmarks import match_bookmarks, match_entries
from pipeline.formats.pdf.headings.plausible import can_be_heading, is_byline
from pipeline.formats.pdf.headings.worded import find_worded
from pipeline.formats.pdf.lines import ITEM, LARGER, Body, Bookmark, Line, find_body
from pipeline.markdown_text import DEEPEST_LEVEL

#: A heading has so many lines and characters at most.
_MOST_HEADING_LINES = 4
_LONGEST_BOLD_HEADING = 120
_LONGEST_TAGGED = 200
#: A shorter line may belong to a title page.
_LEAST_TEXT = 50
#: Of all lines: when more are in bold, bold is no sign of a heading.
_MOST_BOLD = 0.2
#: The largest distance between baselines within a heading, in heights of the font.
_HEADING_PITCH = 2.1
_NOT_AT_HEADING_END = (".", ",", ";", ":")
#: Bookmarks are close when they name so many lines, and one at least every so many pages.
_LEAST_NAMED, _PAGES_A_BOOKMARK = 4, 6
#: Of the headings that they name: they have left out more, if more lines look alike.
_FEW_UNMARKED = 0.4


def find_levels(lines: Sequence[Line], bookmarks: Sequence[Bookmark], entries: Sequence[Entry] = ()) -> list[int]:
    """The level of heading per line, 0 for text."""
    body = find_body(lines)
    levels = match_bookmarks(lines, bookmarks)
    for at, level in _find_tagged(lines):
        levels[at] = levels[at] or level
    marked = [at for at, level in enumerate(levels) if level]
    pages = lines[-1].page + 1 if lines else 0
    are_close = len(marked) >= max(_LEAST_NAMED, pages / _PAGES_A_BOOKMARK)
    found = _Found(lines, body, entries, levels)
    if are_close:
        found.keep_like(marked)
    _rank(lines, found, body, levels)
    return levels


class _Found:
    """The indexes of lines that look like headings and are none yet, by what they are found by."""

    def __init__(self, lines: Sequence[Line], body: Body, entries: Sequence[Entry], levels: list[int]) -> None:
        self._lines = lines
        taken = {at for at, level in enumerate(levels) if level}
        large = list(_find_large(lines, body))
        self.large = [at for at in large if at not in taken and not _is_under_title(lines, at, large, body)]
        taken.update(self.large)
        self.worded = {at: level for at, level in find_worded(lines, body) if at not in taken}
        taken.update(self.worded)
        self.named = {at: level for at, level in match_entries(lines, entries, levels) if at not in taken}
        taken.update(self.named)
        self.bold = [at for at in _find_bold(lines, body) if at not in taken]

    def keep_like(self, marked: Sequence[int]) -> None:
        """Keeps what is in the fonts of the `marked` lines, if that is much, and a title above the first of them."""
        styles = {(self._lines[at].font, self._lines[at].size) for at in marked}
        alike = {
            at
            for at in (*self.large, *self.worded, *self.named, *self.bold)
            if (self._lines[at].font, self._lines[at].size) in styles
        }
        if len(alike) <= _FEW_UNMARKED * len(marked):
            alike = set()
        before = [at for at in self.large if at < marked[0] and self._lines[at].page == self._lines[0].page]
        title = max((self._lines[at].size for at in before), default=0.0)
        alike.update(at for at in before if self._lines[at].size == title)
        self.large = [at for at in self.large if at in alike]
        self.bold = [at for at in self.bold if at in alike]
        self.named = {at: level for at, level in self.named.items() if at in alike}
        self.worded = {at: level for at, level in self.worded.items() if at in alike}


def _rank(lines: Sequence[Line], found: _Found, body: Body, levels: list[int]) -> None:
    """Gives the lines their levels: larger fonts stand higher."""
    by_size: dict[float, Counter[int]] = defaultdict(Counter)
    for line, level in zip(lines, levels, strict=True):
        if level:
            by_size[line.size][level] += 1
    ranks = {size: counts.most_common(1)[0][0] for size, counts in by_size.items() if size > body.size * LARGER}
    for size in sorted({lines[at].size for at in found.large}, reverse=True):
        if size not in ranks:
            near = [level for other, level in ranks.items() if abs(other - size) < 0.3]
            above = [level for other, level in ranks.items() if other > size]
            ranks[size] = near[0] if near else max(above, default=0) + 1
    for at in found.large:
        levels[at] = min(ranks[lines[at].size], DEEPEST_LEVEL)
    deepest = max(levels, default=0)
    worded = {level: rank for rank, level in enumerate(sorted(set(found.worded.values())), start=1)}
    below = {at: worded[level] for at, level in found.worded.items()} | found.named | dict.fromkeys(found.bold, 1)
    for at, level in below.items():
        levels[at] = min(deepest + level, DEEPEST_LEVEL)


def _find_tagged(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Yields the indexes and levels of the lines that are tagged as headings, and are not paragraphs all the same."""
    for (tag, _), group in groupby(range(len(lines)), key=lambda at: (lines[at].tag, lines[at].page)):
        run = list(group)
        text = " ".join(lines[at].text for at in run)
        is_long = len(text) > _LONGEST_TAGGED * len(run) or (len(text) > _LONGEST_BOLD_HEADING and text.endswith("."))
        if tag > 0 and not is_long and any(map(str.isalnum, text)):
            yield from ((at, tag) for at in run)


def _find_large(lines: Sequence[Line], body: Body) -> Iterator[int]:
    """Yields the indexes of the lines in a larger font, where they are few enough in a row for a heading."""
    for run in _find_runs(lines):
        texts = [lines[at].text for at in run]
        is_large = lines[run[0]].size > body.size * LARGER and len(run) <= _MOST_HEADING_LINES
        if is_large and can_be_heading(" ".join(texts)) and not any(map(is_byline, texts)):
            yield from run


def _is_under_title(lines: Sequence[Line], at: int, large: Sequence[int], body: Body) -> bool:
    """True for authors and their like: above the first text, smaller than the title, in a font of their own."""
    line = lines[at]
    if line.page != lines[0].page or line.text[:1].isdigit():
        return False
    start = next((other for other, text in enumerate(lines) if _is_text(text, body)), len(lines))
    if at >= start:
        return False
    title = max(lines[other].size for other in large if other < start)
    return line.size < title and not any(
        lines[other].font == line.font and lines[other].size == line.size for other in large if other > start
    )


def _is_text(line: Line, body: Body) -> bool:
    return abs(line.size - body.size) < 0.3 and len(line.text) > _LEAST_TEXT


def _find_bold(lines: Sequence[Line], body: Body) -> Iterator[int]:
    """Yields the indexes of short bold lines in the usual font that stand alone and don't end like sentences."""
    if sum(body.is_bold(line) for line in lines) > _MOST_BOLD * len(lines):
        return
    for run in _find_runs(lines):
        line = lines[run[0]]
        text = " ".join(lines[at].text for at in run)
        looks_so = body.is_bold(line) and abs(line.size - body.size) <= body.size * (LARGER - 1) and len(run) <= 2
        is_title = len(text) <= _LONGEST_BOLD_HEADING and not text.endswith(_NOT_AT_HEADING_END)
        if looks_so and is_title and not ITEM.match(text) and can_be_heading(text) and not text[0].islower():
            yield from run


def _find_runs(lines: Sequence[Line]) -> Iterator[list[int]]:
    """Yields the indexes of neighbouring lines in the same font, close under each other."""
    run: list[int] = []
    for at, line in enumerate(lines):
        if run and not _is_same_heading(lines[run[-1]], line):
            yield run
            run = []
        if not line.is_turned:
            run.append(at)
    if run:
        yield run


def _is_same_heading(line: Line, following: Line) -> bool:
    pitch = line.bottom - following.bottom
    return (
        (line.page, line.font) == (following.page, following.font)
        and abs(line.size - following.size) < 0.3
        and 0 < pitch <= _HEADING_PITCH * line.size
    )


def group_lines(lines: Sequence[Line], levels: Sequence[int]) -> Iterator[tuple[int, list[Line]]]:
    """Yields stretches of text (level 0) or code and headings, each with its lines."""
    for level, found in groupby(zip(lines, levels, strict=True), key=lambda pair: pair[1]):
        group = [line for line, _ in found]
        if level <= 0:
            yield level, group
            continue
        heading = group[:1]
        for line, following in pairwise(group):
            if not _is_same_heading(line, following) and not line.is_hyphenated:
                yield level, heading
                heading = []
            heading.append(following)
        yield level, heading
