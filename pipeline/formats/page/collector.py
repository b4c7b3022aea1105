"""The text of a page, put together from its elements in their order."""

import re
from collections.abc import Mapping

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content
from pipeline.formats.encoding import normalise_text
from pipeline.formats.page.tables import Table
from pipeline.formats.scripts import subscript, superscript

_BLOCKS = frozenset(
    {"html", "body", "address", "article", "aside", "blockquote", "center", "dd", "details", "dir", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "legend"}
    | {"li", "main", "menu", "ol", "p", "section", "summary", "ul", "caption", "table", "thead", "tbody"}
    | {"tfoot", "tr", "td", "th", "optgroup", "option", "select", "textarea"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_CELLS = frozenset({"td", "th"})
_SCRIPTS = {"sup": superscript, "sub": subscript}
_NUMBER = re.compile(r"\s*(-?\d{1,6})(?!\d)")


class Collector:
    """Turns a walk over the elements into blocks; knows where the text of the blocks so far ends."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._pieces: list[str] = []
        self._lists: list[int | None] = []  # per open list: the last number, None when it has bullets
        self._item: str | None = None
        self._in_heading = False
        self._heading: tuple[int, str] | None = None  # the last one, as long as nothing follows it
        self._scripts: list[int] = []  # per open superscript or subscript, the piece it begins with
        self._table: Table | None = None
        self._cell: list[str] | None = None
        self._spans = (1, 1)

    def enter(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        """An element begins."""
        if tag == "br":
            self._pieces.append("\n")
        elif tag in _SCRIPTS:
            self._scripts.append(len(self._pieces))
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()
            self._in_heading = tag in _HEADINGS
        if self._table is not None and tag == "tr":
            self._table.begin_row()
        elif self._table is not None and tag in _CELLS:
            self._cell = []
            self._spans = (_read_number(attributes.get("colspan"), 1), _read_number(attributes.get("rowspan"), 1))
        elif tag in _LISTS:
            self._lists.append(_read_number(attributes.get("start"), 1) - 1 if tag == "ol" else None)
        elif tag == "li":
            self._item = self._mark_item(attributes.get("value"))

    def leave(self, tag: str) -> None:
        """The element ends."""
        if tag in _SCRIPTS and self._scripts:
            start = min(self._scripts.pop(), len(self._pieces))
            self._pieces[start:] = [_SCRIPTS[tag]("".join(self._pieces[start:]))]
        elif tag in _HEADINGS:
            self._flush_heading(_HEADINGS[tag])
        elif tag in _BLOCKS:
            self._flush()
        if self._table is not None and tag in _CELLS and self._cell is not None:
            self._table.add(" ".join(self._cell), *self._spans)
            self._cell = None
        elif tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._item = None

    def begin_table(self) -> None:
        """The cells until `end_table` are those of one table."""
        self._flush()
        self._table = Table()

    def end_table(self) -> None:
        if self._table is not None:
            self._flush()
            self._add_heading()
            self._blocks.add_table(self._table.finish())
            self._table = self._cell = None

    def add_text(self, text: str) -> None:
        """Adds text; its line breaks count as spaces."""
        self._pieces.append(re.sub(r"\s+", " ", text))

    def add_code(self, code: str) -> None:
        """Adds code within a line."""
        code = " ".join(code.split())
        is_plain = self._in_heading or not code or "`" in code
        self._pieces.append(code if is_plain else f"`{code}`")

    def add_preformatted(self, text: str) -> None:
        """Adds code as a block with its lines."""
        self._flush()
        code = normalise_text(text.replace("\u00a0", " ")).lstrip("\n")
        if code.strip():
            self._add_heading()
            self._blocks.add_code(code)

    def drop_heading(self) -> None:
        """A heading that nothing has followed is left out, since what follows it is."""
        self._flush()
        self._heading = None

    def finish(self) -> Content:
        """All that was collected."""
        self.end_table()
        self._flush()
        self._add_heading()
        return self._blocks.finish()

    def _take_text(self) -> str:
        lines = "".join(self._pieces).replace("\u00ad", "").split("\n")
        self._pieces = []
        return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))

    def _flush(self) -> None:
        text = self._take_text()
        if not text:
            return
        if self._cell is not None:
            self._cell.append(text.replace("\n", " "))
            return
        if self._item is not None:
            indent = " " * len(self._item)
            text = self._item + text.replace("\n", "\n" + indent)
            self._item = None
        self._add_heading()
        self._blocks.add(text)

    def _add_heading(self) -> None:
        if self._heading is not None:
            self._blocks.add_heading(*self._heading)
            self._heading = None

    def _flush_heading(self, level: int) -> None:
        title = self._take_text().replace("\n", " ")
        self._in_heading = False
        if title:
            self._add_heading()
            self._heading = (level, title)

    def _mark_item(self, value: str | None) -> str:
        indent = "  " * min(max(len(self._lists) - 1, 0), 4)
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] = _read_number(value, self._lists[-1] + 1)
            return f"{indent}{self._lists[-1]}. "
        return f"{indent}- "


def _read_number(text: str | None, default: int) -> int:
    number = _NUMBER.match(text or "")
    return int(number[1]) if number else default
