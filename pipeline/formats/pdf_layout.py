"""Lines with their places on pages become headings, paragraphs, list items and rows.

What repeats at the same place near the edge of pages is dropped first. Headings are the lines the bookmarks name, the
lines in a font larger than that of most text, and short ones in bold that stand alone.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from pipeline.formats.blocks import DEEPEST_LEVEL, Blocks
from pipeline.formats.content import Content
from pipeline.formats.hyphens import Joiner


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, its place in points from the lower left corner, its font's height."""

    page: int
    text: str
    size: float
    is_bold: bool
    left: float
    right: float
    bottom: float
    top: float
    is_hyphenated: bool = False


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the PDF's outline: its page from 0, its level from 1."""

    page: int
    level: int
    title: str


#: A line that comes on so many pages at the same place is a running head; of fewer, if it is small or numbered.
_REPEATED_ON = 3
_LONGEST_HEAD = 80
_SMALLER = 0.95
#: So many lines from either edge of a page may be running heads, and their places differ by so many points.
_EDGE_LINES = 2
_SAME_PLACE = 4.0
#: A heading's font is larger than the text's by so much; it has so many lines and characters at most.
_LARGER = 1.12
_MOST_HEADING_LINES = 4
_LONGEST_HEADING = 200
_LONGEST_BOLD_HEADING = 120
#: Of all lines: when more are in bold, bold is no sign of a heading.
_MOST_BOLD = 0.2
#: Distances between baselines, in heights of the font: within a heading; and, against the usual one, a paragraph's end.
_HEADING_PITCH = 1.8
_PARAGRAPH_GAP = 1.35
_INDENT = 0.7
#: Of the column's width: a line that leaves so much free ends something; a shorter one is a row or a verse.
_SHORT, _VERY_SHORT = 0.12, 0.4

_DIGITS = re.compile(r"\d+")
_LETTER = re.compile(r"[^\W\d_]")
_ITEM = re.compile(r"(?:[•·▪◦●○■□–—*‣∙►✓-]|\(?(?:\d{1,2}|[a-zа-я])\))\s+(?=\S)", re.IGNORECASE)
_BULLET = re.compile(r"[•·▪◦●○■□*‣∙►✓–—-]\s+")
_LONE_BULLET = re.compile(r"[•·▪◦●○■□‣∙►✓]|\d{1,2}[.)]")
_LEADERS = re.compile(r"(?:\.\s?){5,}|…{2,}")
_SENTENCE_END = (".", "!", "?", "…", ":", ";", ".»", "!»", "?»")
_NOT_AT_HEADING_END = (".", ",", ";", ":")


def lay_out(pages: Sequence[Sequence[Line]], bookmarks: Sequence[Bookmark]) -> Content:
    """The text of these pages in their order, without what repeats on them."""
    lines = [line for page in _drop_running_heads(pages) for line in _join_bullets(page)]
    if not lines:  # nothing but what repeats: then it is the text
        lines = [line for page in pages for line in page]
    levels = _find_levels(lines, bookmarks)
    joiner = Joiner(line.text for line in lines)
    blocks = Blocks()
    for level, group in _group(lines, levels):
        if level:
            blocks.add_heading(level, joiner.join([(line.text, line.is_hyphenated) for line in group]))
        else:
            for paragraph in _Paragraphs(group).split():
                blocks.add("\n".join(_write(row, joiner) for row in paragraph))
    return blocks.finish()


def _drop_running_heads(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without lines near their upper and lower edges that other pages have at the same place.

    Numbers may differ; other text may not, and is short and no larger than the usual text.
    """
    body = _usual_size([line for page in pages for line in page])
    places: defaultdict[tuple[str, str, bool], list[tuple[float, int, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        by_height = sorted(range(len(page)), key=lambda at: page[at].bottom)
        edges = (("bottom", by_height[:_EDGE_LINES]), ("top", by_height[-_EDGE_LINES:]))
        for edge, candidates in edges:
            for at in candidates:
                if page[at].size <= body * _LARGER and len(page[at].text) <= _LONGEST_HEAD:
                    pattern = _DIGITS.sub("#", page[at].text.casefold())
                    is_marked = "#" in pattern or page[at].size < body * _SMALLER
                    places[edge, pattern, is_marked].append((page[at].bottom, number, at))
    dropped: set[tuple[int, int]] = set()
    for (_, _, is_marked), found in places.items():
        needed = min(_REPEATED_ON, len(pages)) if is_marked else _REPEATED_ON
        found.sort()
        first = 0
        for last, (height, _, _) in enumerate(found):
            while height - found[first][0] > _SAME_PLACE:
                first += 1
            same = found[first : last + 1]
            if needed > 1 and len({number for _, number, _ in same}) >= needed:
                dropped.update((number, at) for _, number, at in same[-needed:])
    return [[line for at, line in enumerate(page) if (number, at) not in dropped] for number, page in enumerate(pages)]


def _join_bullets(page: Sequence[Line]) -> Iterator[Line]:
    """Yields the lines, a lone bullet or number together with the line beside it."""
    waiting: Line | None = None
    for line in page:
        if waiting is not None:
            if _are_beside(waiting, line):
                text = f"{waiting.text} {line.text}"
                line = _widen(line, waiting.left, text)  # noqa: PLW2901
            else:
                yield waiting
            waiting = None
        if _LONE_BULLET.fullmatch(line.text):
            waiting = line
        else:
            yield line
    if waiting is not None:
        yield waiting


def _are_beside(left: Line, right: Line) -> bool:
    return left.left < right.left and min(left.top, right.top) - max(left.bottom, right.bottom) > left.size / 3


def _widen(line: Line, left: float, text: str) -> Line:
    return Line(line.page, text, line.size, line.is_bold, left, line.right, line.bottom, line.top, line.is_hyphenated)


def _usual_size(lines: Sequence[Line]) -> float:
    """The height of the font most characters are in."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _find_levels(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> list[int]:
    """The level of heading per line, 0 for text."""
    body = _usual_size(lines)
    levels = _match_bookmarks(lines, bookmarks)
    by_size: dict[float, Counter[int]] = defaultdict(Counter)
    for line, level in zip(lines, levels, strict=True):
        if level:
            by_size[line.size][level] += 1
    known = {size: counts.most_common(1)[0][0] for size, counts in by_size.items() if size > body * _LARGER}
    found = [at for at in _find_large(lines, body) if not levels[at]]
    bold = [at for at in _find_bold(lines, body) if not levels[at]]
    ranks = dict(known)
    for size in sorted({lines[at].size for at in found}, reverse=True):
        if size not in ranks:
            near = [level for other, level in ranks.items() if abs(other - size) < 0.3]
            above = [level for other, level in ranks.items() if other > size]
            ranks[size] = near[0] if near else max(above, default=0) + 1
    for at in found:
        levels[at] = min(ranks[lines[at].size], DEEPEST_LEVEL)
    deepest = max(levels, default=0)
    for at in bold:
        levels[at] = min(deepest + 1, DEEPEST_LEVEL)
    return levels


def _match_bookmarks(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> list[int]:
    """The level per line of the bookmark whose title it is or, with lines after it, makes up."""
    levels = [0] * len(lines)
    by_page: dict[int, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        by_page[line.page].append(at)
    for bookmark in bookmarks:
        wanted = _squeeze(bookmark.title)
        for first in by_page[bookmark.page]:
            run = _match_title(lines, first, wanted) if wanted and not levels[first] else 0
            if run:
                levels[first : first + run] = [min(bookmark.level, DEEPEST_LEVEL)] * run
                break
    return levels


def _match_title(lines: Sequence[Line], first: int, wanted: str) -> int:
    """How many lines from `first` make up the title, perhaps with a number before it; 0 if they don't."""
    text = ""
    for run, line in enumerate(lines[first : first + _MOST_HEADING_LINES], start=1):
        text += _squeeze(line.text)
        if text == wanted or text.lstrip("0123456789") == wanted:
            return run
        if len(text) > len(wanted) + 10:
            return 0
    return 0


def _squeeze(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _find_large(lines: Sequence[Line], body: float) -> Iterator[int]:
    """Yields the indexes of the lines in a larger font, where they are few enough in a row for a heading."""
    for run in _runs(lines):
        text = " ".join(lines[at].text for at in run)
        is_short = len(run) <= _MOST_HEADING_LINES and len(text) <= _LONGEST_HEADING
        if lines[run[0]].size > body * _LARGER and is_short and _LETTER.search(text) and not _LEADERS.search(text):
            yield from run


def _find_bold(lines: Sequence[Line], body: float) -> Iterator[int]:
    """Yields the indexes of short bold lines in the usual font that stand alone and don't end like sentences."""
    if sum(line.is_bold for line in lines) > _MOST_BOLD * len(lines):
        return
    for run in _runs(lines):
        line = lines[run[0]]
        text = " ".join(lines[at].text for at in run)
        looks_so = line.is_bold and abs(line.size - body) <= body * (_LARGER - 1) and len(run) <= 2
        is_title = len(text) <= _LONGEST_BOLD_HEADING and not text.endswith(_NOT_AT_HEADING_END)
        if looks_so and is_title and not _ITEM.match(text) and _LETTER.search(text) and not text[0].islower():
            yield from run


def _runs(lines: Sequence[Line]) -> Iterator[list[int]]:
    """Yields the indexes of neighbouring lines in the same font, close under each other."""
    run: list[int] = []
    for at, line in enumerate(lines):
        if run and not _is_same_heading(lines[run[-1]], line):
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _is_same_heading(line: Line, following: Line) -> bool:
    pitch = line.bottom - following.bottom
    return (
        (line.page, line.is_bold) == (following.page, following.is_bold)
        and abs(line.size - following.size) < 0.3
        and 0 < pitch <= _HEADING_PITCH * line.size
    )


def _group(lines: Sequence[Line], levels: Sequence[int]) -> Iterator[tuple[int, list[Line]]]:
    """Yields stretches of text (level 0) and headings, each with its lines."""
    for level, found in groupby(zip(lines, levels, strict=True), key=lambda pair: pair[1]):
        group = [line for line, _ in found]
        if not level:
            yield 0, group
            continue
        heading = group[:1]
        for line, following in pairwise(group):
            if not _is_same_heading(line, following) and not line.is_hyphenated:
                yield level, heading
                heading = []
            heading.append(following)
        yield level, heading


class _Paragraphs:
    """Divides lines of text into paragraphs, and these into rows that are lines of their own."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._columns = [self._find_column(at) for at in range(len(lines))]
        pitches = Counter(
            round((line.bottom - following.bottom) / max(line.size, 1), 1)
            for line, following in pairwise(lines)
            if line.page == following.page and 0 < line.bottom - following.bottom < 4 * line.size
        )
        self._pitch = pitches.most_common(1)[0][0] if pitches else 1.3

    def split(self) -> Iterator[list[list[Line]]]:
        """Yields paragraphs: lists of rows, each a list of lines to be joined."""
        paragraph: list[list[Line]] = []
        for at, line in enumerate(self._lines):
            if paragraph and self._ends_paragraph(at):
                yield paragraph
                paragraph = []
            if paragraph and not self._ends_row(at):
                paragraph[-1].append(line)
            else:
                paragraph.append([line])
        if paragraph:
            yield paragraph

    def _find_column(self, at: int) -> tuple[float, float]:
        """The left and right edges of the lines around this one that stand above or below it."""
        line = self._lines[at]
        around = [
            other
            for other in self._lines[max(at - 15, 0) : at + 16]
            if other.page == line.page and other.left <= line.right and line.left <= other.right
        ] or [line]
        left = min(other.left for other in around)
        return left, max(other.right for other in around)

    def _is_short(self, at: int, share: float) -> bool:
        left, right = self._columns[at]
        return right - self._lines[at].right > share * (right - left)

    def _ends_paragraph(self, at: int) -> bool:
        """True when the line at this index begins a paragraph."""
        line, before = self._lines[at], self._lines[at - 1]
        if before.is_hyphenated:
            return False
        if _ITEM.match(line.text) or abs(line.size - before.size) > 0.1 * before.size:
            return not _are_beside(before, line)
        pitch = before.bottom - line.bottom
        ended = before.text.endswith(_SENTENCE_END)
        if line.page != before.page or pitch < -before.size:  # the next page or column
            return ended or not (line.text[0].islower() or _LETTER.match(before.text[-1:]) or before.text[-1] == ",")
        if pitch > self._pitch * before.size * _PARAGRAPH_GAP:
            return True
        is_indented = line.left - before.left > _INDENT * line.size and line.left - self._columns[at][0] > (
            _INDENT * line.size
        )
        if is_indented and not _ITEM.match(before.text) and not _are_beside(before, line):
            return ended or self._is_short(at - 1, _SHORT)
        return ended and self._is_short(at - 1, _SHORT)

    def _ends_row(self, at: int) -> bool:
        """True when the line begins a row within its paragraph: the one before leaves much space."""
        line, before = self._lines[at], self._lines[at - 1]
        if before.is_hyphenated or line.page != before.page or _are_beside(before, line):
            return False
        return self._is_short(at - 1, _VERY_SHORT) and not line.text[0].islower()


def _write(row: Sequence[Line], joiner: Joiner) -> str:
    text = joiner.join([(line.text, line.is_hyphenated) for line in row])
    return _BULLET.sub("- ", text, count=1) if _BULLET.match(text) else text
