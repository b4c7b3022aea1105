"""Rows of cells among the lines of a page become tables; two columns read across become one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.formats.pdf.lines import LETTER, Line

#: Rows of two columns that make a table; of more columns, one row fewer does.
_LEAST_ROWS = 3
#: A cell of more lines is a column of text.
_MOST_CELL_LINES = 12
#: The first cell of a row has so many lines at most.
_MOST_FIRST_LINES = 5
#: What stands so close beside a cell, in heights of the font, belongs to it.
_ADJOINING = 0.6
#: The largest distance between lines of a cell, in heights of the font.
_PITCH = 1.9
#: Columns that hold this many characters a line on average are columns of text, if they have so many lines.
_COLUMN_TEXT, _COLUMN_LINES = 28, 6


@dataclass(slots=True)
class _Cell:
    lines: list[Line]

    @property
    def left(self) -> float:
        return min(line.left for line in self.lines)

    @property
    def right(self) -> float:
        return max(line.right for line in self.lines)


@dataclass(slots=True)
class _Row:
    first: int  # the index of its first line
    end: int = 0
    cells: list[_Cell] = field(default_factory=list)

    @property
    def top(self) -> float:
        return max(line.top for cell in self.cells for line in cell.lines)

    @property
    def bottom(self) -> float:
        return min(line.bottom for cell in self.cells for line in cell.lines)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, and the lines from `first` to `end` that they are made of; each cell is a list of lines."""

    first: int
    end: int
    rows: tuple[tuple[tuple[Line, ...], ...], ...]


def find_tables(lines: Sequence[Line]) -> Iterator[Table]:
    """Yields the tables among these lines."""
    run: list[_Row] = []
    for row in _find_rows(lines):
        if run and (row.first != run[-1].end or not _are_alike(run[-1], row)):
            yield from _make_table(run)
            run = []
        if len(row.cells) > 1:
            run.append(row)
    yield from _make_table(run)


def _make_table(run: Sequence[_Row]) -> Iterator[Table]:
    width = max((len(row.cells) for row in run), default=0)
    if len(run) + (width > 2) < _LEAST_ROWS or _are_columns(run):
        return
    rows = tuple(tuple(_join_adjoining(row)) for row in run)
    if any(LETTER.search(line.text) for row in rows for cell in row for line in cell):
        yield Table(run[0].first, run[-1].end, rows)


def _join_adjoining(row: _Row) -> Iterator[tuple[Line, ...]]:
    """Yields the lines of the cells; those of cells that adjoin, as the parts of a formula do, are of one."""
    lines: list[Line] = []
    right = 0.0
    for cell in row.cells:
        if lines and cell.left - right >= _ADJOINING * cell.lines[0].size:
            yield tuple(lines)
            lines = []
        lines += cell.lines
        right = cell.right
    yield tuple(lines)


def _are_columns(run: Sequence[_Row]) -> bool:
    """True when the rows are two columns of text that were written across."""
    cells = [cell for row in run for cell in row.cells]
    letters = sum(len(line.text) for cell in cells for line in cell.lines)
    return (
        len(run) >= _COLUMN_LINES
        and max(len(row.cells) for row in run) == 2
        and letters > _COLUMN_TEXT * sum(len(cell.lines) for cell in cells)
    )


def _are_alike(above: _Row, row: _Row) -> bool:
    """True when the rows can stand in one table: their cells begin, end or are centred at the same places."""
    if len(above.cells) < 2 or len(row.cells) < 2:
        return False
    size = above.cells[0].lines[0].size
    if above.cells[0].lines[0].page != row.cells[0].lines[0].page or abs(above.bottom - row.top) > 3 * size:
        return False
    fewer = min(len(above.cells), len(row.cells))
    matched = sum(any(_are_in_line(one, other, size) for other in above.cells) for one in row.cells)
    return matched >= max(2, fewer - 1)


def _are_in_line(one: _Cell, other: _Cell, size: float) -> bool:
    return (
        abs(one.left - other.left) < size / 2
        or abs(one.right - other.right) < size / 2
        or abs(one.left + one.right - other.left - other.right) < size
    )


def _find_rows(lines: Sequence[Line]) -> Iterator[_Row]:
    """Yields the lines as rows: what stands beside each other, and what goes on below within a cell."""
    row: _Row | None = None
    for at, line in enumerate(lines):
        if row is not None and at >= row.end and not _is_added(row, line):
            yield row
            row = None
        if row is None:
            row = _Row(at, cells=[_Cell([part]) for part in split_line(line)])
            if len(row.cells) == 1:
                row.cells[0].lines += lines[at + 1 : at + 1 + _count_below(lines, at)]
                row.end = at + len(row.cells[0].lines)
        row.end = max(row.end, at + 1)
    if row is not None:
        yield row


def _count_below(lines: Sequence[Line], first: int) -> int:
    """How many lines below the first are of its cell: a line that stands beside the first comes after them."""
    for at in range(first + 1, min(first + _MOST_FIRST_LINES + 1, len(lines))):
        line, before = lines[at], lines[at - 1]
        if line.page != before.page or line.is_turned:
            return 0
        if line.left > lines[first].right and abs(line.top - lines[first].top) < line.size / 2:
            return at - first - 1
        is_below = 0 < before.bottom - line.bottom <= _PITCH * before.size and line.left < lines[first].right
        if line.cells or not is_below:
            return 0
    return 0


def split_line(line: Line) -> list[Line]:
    """A line for each cell, or the line itself."""
    return [
        replace(line, text=cell.text, left=cell.left, right=cell.right, is_hyphenated=False, cells=())
        for cell in line.cells
    ] or [line]


def _is_added(row: _Row, line: Line) -> bool:
    """Puts the line into the row if it belongs there."""
    last = row.cells[-1]
    before = last.lines[-1]
    if before.page != line.page or line.is_turned or before.is_turned:
        return False
    is_beside = line.left > last.right and line.top <= row.top + line.size and line.top > row.bottom
    if is_beside and len(row.cells[0].lines) <= _MOST_CELL_LINES:
        row.cells += [_Cell([part]) for part in split_line(line)]
        return True
    pitch = before.bottom - line.bottom
    if line.cells or not 0 < pitch <= _PITCH * before.size or len(last.lines) >= _MOST_CELL_LINES:
        return False
    if len(row.cells) > 1 and line.left > row.cells[-2].right and line.right > last.left:
        last.lines.append(line)
        return True
    return False
