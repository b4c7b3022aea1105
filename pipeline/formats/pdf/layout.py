"""Lines with their places on pages become headings, paragraphs, list items, tables and code.

What repeats at the same place near the edge of pages is dropped first, then what stands sideways in the margin, then
tables of contents.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isfinite
from unicodedata import category

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content
from pipeline.formats.pdf.code import CODE, join_code, mark_code
from pipeline.formats.pdf.drop_caps import join_drop_caps
from pipeline.formats.pdf.furniture.contents import remove_contents
from pipeline.formats.pdf.furniture.margins import drop_margins
from pipeline.formats.pdf.furniture.running_heads import drop_running_heads
from pipeline.formats.pdf.headings.levels import find_levels, group_lines
from pipeline.formats.pdf.headings.title import begin_with_title, clean_title
from pipeline.formats.pdf.hyphens import Joiner
from pipeline.formats.pdf.lines import BULLETS, Bookmark, Line, are_beside
from pipeline.formats.pdf.paragraphs import Paragraphs
from pipeline.formats.pdf.tables import find_tables

_BULLET = re.compile(rf"[{BULLETS}*–—-]\s+")
#: More signs in a row are an ornament.
_LONGEST_SIGN = 5
_LONE_BULLET = re.compile(rf"[{BULLETS}]|\d{{1,2}}[.)]")


def lay_out(pages: Sequence[Sequence[Line]], bookmarks: Sequence[Bookmark], title: str = "") -> Content:
    """The text of these pages in their order, without what repeats on them, under the title if it begins with none."""
    pages = [[line for line in page if _is_sound(line)] for page in pages]
    kept, entries = remove_contents(drop_running_heads([drop_margins(page) for page in pages]))
    lines = list(join_drop_caps([line for page in kept for line in _join_bullets(page)]))
    if not lines:  # nothing but what repeats: then it is the text
        lines = [line for page in pages for line in page]
    levels = find_levels(lines, bookmarks, entries)
    blocks = Blocks()
    title = clean_title(title)
    if not begin_with_title(lines, levels, title):
        blocks.add_heading(1, title)
    levels = mark_code(lines, levels)
    joiner = Joiner(line.text for line in lines)
    for level, group in group_lines(lines, levels):
        if level == CODE:
            blocks.add_code(join_code(group))
        elif level:
            blocks.add_heading(level, _join(group, joiner))
        else:
            _add_text(blocks, group, joiner)
    return replace(blocks.finish(), title=title)


def _is_sound(line: Line) -> bool:
    """False for lines without text, ornaments and bar codes, and lines at no place."""
    if not line.text.strip() or (len(line.text) > _LONGEST_SIGN and all(map(_is_ornament, line.text))):
        return False
    return all(map(isfinite, (line.size, line.left, line.right, line.bottom, line.top)))


def _is_ornament(character: str) -> bool:
    return character.isspace() or category(character) == "So"


def _add_text(blocks: Blocks, lines: Sequence[Line], joiner: Joiner) -> None:
    """Adds the tables among the lines, and the paragraphs between them."""
    start = 0
    for table in find_tables(lines):
        _add_paragraphs(blocks, lines[start : table.first], joiner)
        blocks.add_table([[_join(cell, joiner) for cell in row] for row in table.rows])
        start = table.end
    _add_paragraphs(blocks, lines[start:], joiner)


def _add_paragraphs(blocks: Blocks, lines: Sequence[Line], joiner: Joiner) -> None:
    for paragraph in Paragraphs(lines).split():
        blocks.add("\n".join(_write(row, joiner) for row in paragraph))


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


def _join(lines: Sequence[Line], joiner: Joiner) -> str:
    return joiner.join([(line.text, line.is_hyphenated) for line in lines])


def _write(row: Sequence[Line], joiner: Joiner) -> str:
    text = _join(row, joiner)
    return _BULLET.sub("- ", text, count=1) if _BULLET.match(text) else text
