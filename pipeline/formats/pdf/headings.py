"""The lines that are headings, and their levels.

These are the lines that bookmarks and tables of contents name, the lines in a font larger than that of most text, short
ones in bold that stand alone, and those that are worded as headings and stand alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from pipeline.formats.blocks import DEEPEST_LEVEL
from pipeline.formats.pdf.bookmarks import match_bookmarks, match_entries
from pipeline.formats.pdf.contents import Entry
from pipeline.formats.pdf.lines import LARGER, Body, Bookmark, Line, find_body
from pipeline.formats.pdf.plausible import can_be_heading, is_item

#: A heading has so many lines and characters at most.
_MOST_HEADING_LINES = 4
_LONGEST_BOLD_HEADING = 120
#: Of all lines: when more are in bold, bold is no sign of a heading.
_MOST_BOLD = 0.2
#: The largest distance between baselines within a heading, in heights of the font.
_HEADING_PITCH = 1.8
_NOT_AT_HEADING_END = (".", ",", ";", ":")


def find_levels(lines: Sequence[Line], bookmarks: Sequence[Bookmark], entries: Sequence[Entry] = ()) -> list[int]:
    """The level of heading per line, 0 for text."""
    body = find_body(lines)
    levels = match_bookmarks(lines, bookmarks)
    by_size: dict[float, Counter[int]] = defaultdict(Counter)
    for line, level in zip(lines, levels, strict=True):
        if level:
            by_size[line.size][level] += 1
    known = {size: counts.most_common(1)[0][0] for size, counts in by_size.items() if size > body.size * LARGER}
    named = match_entries(lines, entries, levels)
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
    for at in [*bold, *named]:
        levels[at] = levels[at] or min(deepest + 1, DEEPEST_LEVEL)
    return levels


def _find_large(lines: Sequence[Line], body: Body) -> Iterator[int]:
    """Yields the indexes of the lines in a larger font, where they are few enough in a row for a heading."""
    for run in _runs(lines):
        if lines[run[0]].size > body.size * LARGER and len(run) <= _MOST_HEADING_LINES:
            text = " ".join(lines[at].text for at in run)
            if can_be_heading(text):
                yield from run


def _find_bold(lines: Sequence[Line], body: Body) -> Iterator[int]:
    """Yields the indexes of short bold lines in the usual font that stand alone and don't end like sentences."""
    if sum(body.is_bold(line) for line in lines) > _MOST_BOLD * len(lines):
        return
    for run in _runs(lines):
        line = lines[run[0]]
        text = " ".join(lines[at].text for at in run)
        looks_so = body.is_bold(line) and abs(line.size - body.size) <= body.size * (LARGER - 1) and len(run) <= 2
        is_title = len(text) <= _LONGEST_BOLD_HEADING and not text.endswith(_NOT_AT_HEADING_END)
        if looks_so and is_title and not is_item(text) and can_be_heading(text) and not text[0].islower():
            yield from run


def _runs(lines: Sequence[Line]) -> Iterator[list[int]]:
    """Yields the indexes of neighbouring lines in the same font, close under each other."""
    run: list[int] = []
    for at, line in enumerate(lines):
        if run and not _is_same_heading(lines[run[-1]], line):
            yield run
            run = []
        if line.is_turned:
            continue
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
