"""The paragraphs, tables and notes of an RTF file."""

import re
from dataclasses import replace

from pipeline.formats.office import style_names
from pipeline.formats.office.model import Block, Cell, Paragraph, Piece, Table, is_code, mark_first
from pipeline.formats.office.numerals import write_mark
from pipeline.formats.office.rtf.groups import Head, ParagraphState, Style

_ENDS = frozenset({"par", "sect", "nestcell"})
_NUMBER = re.compile(r"\w|[(\[]")


class Body:
    """Makes blocks from pieces of text."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._blocks: list[Block] = []
        self._cell_blocks: list[Block] = []
        self._pieces: list[Piece] = []
        self._mark = ""
        self._cells: list[Cell] = []
        self._rows: list[list[Cell]] = []
        #: Whether the columns of the row go on a cell above or to the left.
        self._merged: list[bool] = []
        self._is_merged = False
        self._outer: list[tuple[list[Piece], list[Block]]] = []
        self._notes = 0
        self._pending: list[Block] = []
        self._headings: list[Paragraph] = []
        self._has_title = False

    def add(self, piece: Piece) -> None:
        if piece.text:
            self._pieces.append(piece)

    def add_mark(self, text: str) -> None:
        self._mark += text

    def add_note_mark(self) -> None:
        self._notes += 1
        self._pieces.append(Piece(f"[{self._notes}]"))

    def begin_inner(self) -> None:
        """A note or a text box begins, whose paragraphs stand after the one that is being read."""
        self._outer.append((self._pieces, self._blocks))
        self._pieces, self._blocks = [], []

    def end_inner(self, *, is_note: bool) -> None:
        if not self._outer:
            return
        self._end_paragraph(ParagraphState())
        mark = f"[{self._notes}] " if is_note and self._notes else ""
        found = list(mark_first(self._blocks, mark))
        self._pieces, self._blocks = self._outer.pop()
        self._pending.extend(found)

    def end(self, word: str, state: ParagraphState) -> None:
        """Ends the paragraph, cell or row that the control word ends, or describes the cells of a row."""
        if word in _ENDS:
            self._end_paragraph(state)
        elif word == "cell":
            self._end_paragraph(replace(state, nesting=1))
            self._cells.append(Cell(self._cell_blocks))
            self._cell_blocks = []
        elif word == "row":
            self._end_row()
        elif word == "trowd":
            self._merged = []
            self._is_merged = False
        elif word in {"clvmrg", "clmrg"}:
            self._is_merged = True
        elif word == "cellx":
            self._merged.append(self._is_merged)
            self._is_merged = False

    def finish(self, state: ParagraphState) -> list[Block]:
        while self._outer:
            self.end_inner(is_note=False)
        self._end_paragraph(state)
        if self._cells:
            self._end_row()
        self._end_table()
        for heading in self._headings if self._has_title else ():
            heading.level = (heading.level or 0) + 1
        return self._blocks

    def _end_row(self) -> None:
        cells, self._cells = self._cells, []
        for at, is_merged in enumerate(self._merged[: len(cells)]):
            if is_merged:
                cells[at] = Cell()
        if cells:
            self._rows.append(cells)

    def _end_table(self) -> None:
        if self._rows:
            self._blocks.append(Table(self._rows))
            self._rows = []

    def _end_paragraph(self, state: ParagraphState) -> None:
        pieces, self._pieces = self._pieces, []
        mark, self._mark = self._mark, ""
        pending: list[Block] = []
        if not self._outer:
            pending, self._pending = self._pending, []
        style = self._head.styles.get(state.style)
        name = style.name if style else ""
        is_in_cell = state.nesting > 0 and not self._outer
        if not is_in_cell and not self._outer:
            self._end_table()
        target = self._cell_blocks if is_in_cell else self._blocks
        is_title = style_names.is_title(name)
        paragraph = Paragraph(pieces, 1 if is_title else self._find_level(state))
        paragraph.is_contents = style_names.is_contents(name)
        if not paragraph.is_blank:
            paragraph.mark = "" if paragraph.level is not None else _write_mark(mark, state.depth)
            paragraph.is_code = style_names.is_code(name) or is_code(pieces)
            self._has_title |= is_title
        if paragraph.level is not None and not is_title:
            self._headings.append(paragraph)
        target.append(paragraph)
        target.extend(pending)

    def _find_level(self, state: ParagraphState) -> int | None:
        style = self._head.styles.get(state.style, Style())
        outline = state.outline if state.outline is not None else style.outline
        level = outline + 1 if outline is not None else style_names.find_level(style.name)
        return level if level is not None and 1 <= level <= 9 else None


def _write_mark(text: str, depth: int) -> str:
    """The mark of a list item as the file shows it."""
    text = text.strip()
    if not text:
        return ""
    is_number = _NUMBER.match(text) is not None and text not in {"o", "§"}
    return write_mark(depth, text if is_number else "-")
