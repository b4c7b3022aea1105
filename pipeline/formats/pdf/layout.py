"""Lines with their places on pages become headings, paragraphs, list items and rows.

What repeats at the same place near the edge of pages is dropped first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content
from pipeline.formats.pdf.headings import find_levels, group_lines
from pipeline.formats.pdf.hyphens import Joiner
from pipeline.formats.pdf.lines import Bookmark, Line, are_beside
from pipeline.formats.pdf.paragraphs import Paragraphs
from pipeline.formats.pdf.running_heads import drop_running_heads

_BULLET = re.compile(r"[•·▪◦●○■□*‣∙►✓–—-]\s+")
_LONE_BULLET = re.compile(r"[•·▪◦●○■□‣∙►✓]|\d{1,2}[.)]")


def lay_out(pages: Sequence[Sequence[Line]], bookmarks: Sequence[Bookmark]) -> Content:
    """The text of these pages in their order, without what repeats on them."""
    lines = [line for page in drop_running_heads(pages) for line in _join_bullets(page)]
    if not lines:  # nothing but what repeats: then it is the text
        lines = [line for page in pages for line in page]
    levels = find_levels(lines, bookmarks)
    joiner = Joiner(line.text for line in lines)
    blocks = Blocks()
    for level, group in group_lines(lines, levels):
        if level:
            blocks.add_heading(level, joiner.join([(line.text, line.is_hyphenated) for line in group]))
        else:
            for paragraph in Paragraphs(group).split():
                blocks.add("\n".join(_write(row, joiner) for row in paragraph))
    return blocks.finish()


def _join_bullets(page: Sequence[Line]) -> Iterator[Line]:
    """Yields the lines, a lone bullet or number together with the line beside it."""
    waiting: Line | None = None
    for line in page:
        if waiting is not None:
            if are_beside(waiting, line):
                line = replace(line, text=f"{waiting.text} {line.text}", left=waiting.left)  # noqa: PLW2901
            else:
                yield waiting
            waiting = None
        if _LONE_BULLET.fullmatch(line.text):
            waiting = line
        else:
            yield line
    if waiting is not None:
        yield waiting


def _write(row: Sequence[Line], joiner: Joiner) -> str:
    text = joiner.join([(line.text, line.is_hyphenated) for line in row])
    return _BULLET.sub("- ", text, count=1) if _BULLET.match(text) else text
