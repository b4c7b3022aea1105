"""The rows of tables, and which tables hold data: others lay out a page."""

from selectolax.lexbor import LexborNode

#: A cell with more text, in characters, or more blocks lays out the page.
_LONGEST_CELL, _MOST_BLOCKS = 2000, 12
_MOST_COLUMNS = 100
_LAYOUT = frozenset({"table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "form", "main", "article", "nav"})


def is_data(table: LexborNode) -> bool:
    """True when the cells of the table hold no more than a row can show. Looks no further than at a table within it."""
    if table.attributes.get("role") in {"presentation", "none"}:
        return False
    length = blocks = 0
    for node in table.traverse(include_text=True):
        tag = node.tag or ""
        if tag in _LAYOUT and node.mem_id != table.mem_id:
            return False
        if tag in {"td", "th"}:
            length = blocks = 0
        elif tag == "-text":
            length += len(node.text_content or "")
        elif tag in {"p", "li", "div"}:
            blocks += 1
        if length > _LONGEST_CELL or blocks > _MOST_BLOCKS:
            return False
    return True


class Table:
    """The rows of a table; merged cells leave their further places empty."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._pending: dict[int, int] = {}  # per column, the rows that a cell above still takes

    def begin_row(self) -> None:
        if self._rows:
            self._skip(self._rows[-1])
        self._rows.append([])

    def add(self, text: str, columns: int, rows: int) -> None:
        """A cell ends the row."""
        if not self._rows:
            self.begin_row()
        row = self._rows[-1]
        self._skip(row)
        for number in range(min(max(columns, 1), _MOST_COLUMNS)):
            if len(row) < _MOST_COLUMNS:
                row.append("" if number else text)
                self._pending[len(row) - 1] = max(rows, 1) - 1
            elif text and not number:
                row[-1] = f"{row[-1]} {text}"

    def finish(self) -> list[list[str]]:
        """The rows with text, equally long; columns without any text are left out."""
        rows = [row for row in self._rows if any(row)]
        width = max(map(len, rows), default=0)
        even = [[*row, *[""] * (width - len(row))] for row in rows]
        kept = [column for column in range(width) if any(row[column] for row in even)]
        return [[row[column] for column in kept] for row in even]

    def _skip(self, row: list[str]) -> None:
        while self._pending.get(len(row), 0) > 0 and len(row) < _MOST_COLUMNS:
            self._pending[len(row)] -= 1
            row.append("")
