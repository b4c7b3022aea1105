"""How the paragraphs and tables of an office document become text and headings."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content
from pipeline.formats.contents import names_contents
from pipeline.formats.office.model import Block, Cell, Paragraph, Table
from pipeline.formats.plain_text import find_chapter_level

#: A longer paragraph is no heading, even in a heading style.
_LONGEST_HEADING = 300
#: A table whose cells are longer, in characters or paragraphs, lays the page out.
_LONGEST_CELL, _MOST_PARAGRAPHS = 2000, 15
#: Where more of the text is in a monospaced font, the whole is typed so and is no code.
_MOST_CODE, _SHORT_TEXT = 0.5, 2000
_WIDEST = 100
#: What leads to the page in a table of contents that was typed; a single line of that kind may be a form.
_LEADERS = re.compile(r"(?:(?<!\.)\.{4,}|(?<!\. )(?:\. ){4,}|(?<!…)…{2,})\s*\d{1,4}$")
_FEWEST_ENTRIES = 2
_BOLD_HEADING = re.compile(r".{2,99}[^.,;:]", re.DOTALL)
#: More bold lines than these in a row are a cover or a list of names.
_MOST_BOLD_LINES = 2


def compose(
    found: Sequence[Block], blocks: Blocks, *, has_tight_lists: bool = False, has_bold_headings: bool = True
) -> None:
    """All that was found stands at the end of `blocks`; the items of a tight list have no blank lines between them.

    Tables of contents are left out. Short paragraphs all in bold or such as «Глава 2. Основы» can be headings, one
    level deeper than the last styled one. Paragraphs of code that follow each other are one fenced block, unless most
    text is in a monospaced font.
    """
    found = _drop_contents(found)
    paragraphs = [block for block in found if isinstance(block, Paragraph)]
    letters = sum(len(block.text) for block in paragraphs)
    code = sum(len(block.text) for block in paragraphs if block.is_code)
    if letters > _SHORT_TEXT and code > letters * _MOST_CODE:
        for paragraph in paragraphs:
            paragraph.is_code = False
    bold = _find_bold_headings(found) if has_bold_headings else set()
    last_level = 1
    was_item = False
    for is_listing, group in groupby(_join_listings(found), key=_is_listing):
        if is_listing:
            blocks.add_code("\n".join(block.code for block in group if isinstance(block, Paragraph)).strip("\n"))
            was_item = False
            continue
        for block in group:
            if isinstance(block, Table):
                _add_table(blocks, block)
            elif isinstance(block, Content):
                blocks.add_content(block)
            elif block.level is not None and len(block.text) <= _LONGEST_HEADING:
                blocks.add_heading(block.level, block.text)
                last_level = block.level if block.text else last_level
            elif id(block) in bold:
                blocks.add_heading(last_level + 1, block.text)
            elif not block.is_blank:
                _add_paragraph(blocks, block, is_tight=has_tight_lists and was_item)
            was_item = isinstance(block, Paragraph) and (bool(block.mark) or (block.is_blank and was_item))


def _drop_contents(found: Sequence[Block]) -> list[Block]:
    """The blocks without tables of contents and their titles."""
    kept: list[Block] = []
    for is_contents, group in groupby(_mark_contents(found), key=lambda pair: pair[0]):
        blocks = [block for _, block in group]
        if not is_contents:
            kept.extend(blocks)
            continue
        title = kept[-1] if kept else None
        typed = sum(not _is_blank(block) for block in blocks)
        has_entries = typed > 0 or any(isinstance(block, Paragraph) and block.is_contents for block in blocks)
        if has_entries and isinstance(title, Paragraph) and names_contents(title.text):
            kept.pop()
        elif typed < _FEWEST_ENTRIES:
            kept.extend(block for block in blocks if not (isinstance(block, Paragraph) and block.is_contents))
    return kept


def _mark_contents(found: Sequence[Block]) -> Iterator[tuple[bool, Block]]:
    """Each block and whether it belongs to a table of contents; blank ones after its title or an entry do."""
    is_contents = is_after_title = False
    for block in found:
        if not isinstance(block, Paragraph):
            is_contents = is_after_title = False
        elif block.is_contents or _LEADERS.search(block.text) is not None:
            is_contents = True
        elif not block.is_blank:
            is_contents, is_after_title = False, names_contents(block.text)
        yield is_contents or (is_after_title and _is_blank(block)), block


def _is_blank(block: Block) -> bool:
    return isinstance(block, Paragraph) and block.is_blank


def _is_listing(block: Block) -> bool:
    return isinstance(block, Paragraph) and block.is_code and block.level is None and not block.mark


def _join_listings(found: Sequence[Block]) -> list[Block]:
    """The same; blank paragraphs between two of code are code too."""
    joined = list(found)
    last: int | None = None
    for at, block in enumerate(joined):
        if _is_listing(block) and not _is_blank(block):
            for between in joined[last + 1 : at] if last is not None else ():
                if isinstance(between, Paragraph):
                    between.is_code = True
            last = at
        elif not _is_blank(block):
            last = None
    return joined


def _find_bold_headings(found: Sequence[Block]) -> set[int]:
    """The ids of the paragraphs that are headings by their bold letters, or their words, alone."""
    shown = [block for block in found if not _is_blank(block)]
    headings: set[int] = set()
    for is_bold, group in groupby(shown, key=_looks_like_heading):
        lines = list(group)
        if is_bold and len(lines) <= _MOST_BOLD_LINES:
            headings.update(map(id, lines))
    return headings


def _looks_like_heading(block: Block) -> bool:
    return (
        isinstance(block, Paragraph)
        and block.level is None
        and not block.is_code
        and block.mark.strip() != "-"
        and (block.is_bold or find_chapter_level(block.text) is not None)
        and _BOLD_HEADING.fullmatch(block.text) is not None
    )


def _add_paragraph(blocks: Blocks, paragraph: Paragraph, *, is_tight: bool) -> None:
    text = paragraph.text
    if text:
        item = paragraph.mark + text.replace("\n", "\n" + " " * len(paragraph.mark))
        if is_tight and paragraph.mark:
            blocks.add_line(item)
        else:
            blocks.add(item)


def _add_table(blocks: Blocks, table: Table) -> None:
    """Its rows; the blocks of a row that no line can show, and of a table of one column, stand for themselves."""
    rows: list[list[str]] = []
    has_columns = any(len(row) > 1 for row in table.rows)
    for row in table.rows:
        if has_columns and all(_fits_line(cell) for cell in row):
            rows.append([text for cell in row for text in (_cell_text(cell), *[""] * (cell.span - 1))])
        else:
            blocks.add_table(_even(rows))
            rows = []
            for cell in row:
                compose(cell.blocks, blocks, has_bold_headings=not has_columns)
    blocks.add_table(_even(rows))


def _even(rows: list[list[str]]) -> list[list[str]]:
    """The rows filled up with empty cells to the longest, unless that is wider than a table can be."""
    width = max(map(len, rows), default=0)
    return [[*row, *[""] * (width - len(row))] for row in rows] if width <= _WIDEST else rows


def _fits_line(cell: Cell) -> bool:
    paragraphs = [block for block in cell.blocks if isinstance(block, Paragraph) and not block.is_blank]
    return (
        all(isinstance(block, Paragraph) and block.level is None for block in cell.blocks)
        and len(paragraphs) <= _MOST_PARAGRAPHS
        and sum(block.is_code for block in paragraphs) <= 1
        and sum(len(block.text) for block in paragraphs) <= _LONGEST_CELL
    )


def _cell_text(cell: Cell) -> str:
    return " ".join(
        f"{block.mark.lstrip().removeprefix('- ')}{block.text}" for block in cell.blocks if isinstance(block, Paragraph)
    )
