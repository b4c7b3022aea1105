"""HTML: what a reader of the page would read, as text blocks between blank lines."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from pipeline.formats.blocks import Blocks
from pipeline.formats.content import Content, Unreadable
from pipeline.formats.encoding import decode_text, normalise_text

_DROPPED = frozenset(
    {"head", "script", "style", "nav", "noscript", "template", "iframe", "object", "embed", "svg", "math"}
    | {"canvas", "audio", "video", "map", "button", "select", "input", "textarea", "datalist", "dialog"}
)
_BLOCKS = frozenset(
    {"html", "body", "address", "article", "aside", "blockquote", "center", "dd", "details", "dir", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "legend"}
    | {"li", "main", "menu", "ol", "p", "section", "summary", "ul", "caption", "table", "thead", "tbody"}
    | {"tfoot", "tr", "td", "th"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_CELLS = frozenset({"td", "th"})
_CODE = frozenset({"code", "kbd", "samp"})
_LONGEST_CODE = 120
#: A table cell with longer text lays the page out; its text becomes blocks of their own.
_LONGEST_CELL = 200

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_META_WITHIN = 4096

#: The parser's time grows with the square of the depth: a third of a second at this one, a minute at ten times of it.
DEEPEST_NESTING = 10_000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s/>])")
#: Elements that never hold others, or that the next of their kind ends.
_NOT_NESTING = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
    | {"p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup", "body"}
    | {"html", "head"}
)


def read_html(data: bytes) -> Content:
    """The visible text of the page: headings as `#` lines, paragraphs, list items and tables as blocks.

    The charset is that of the byte order mark, else of the page's `meta`, else guessed. Raises Unreadable when elements
    are nested too deeply.
    """
    declared = _CHARSET.search(data[:_META_WITHIN])
    return read_page(decode_text(data, declared[1].decode("ascii") if declared else None))


def read_page(text: str) -> Content:
    """The same of a page that is text already."""
    _check_nesting(text)
    try:
        page = LexborHTMLParser(text)
    except SelectolaxError as error:  # every page is HTML to it; only memory can end
        raise MemoryError from error
    collector = _Collector()
    if page.root is not None:
        _walk(page.root, collector)
    return collector.finish()


def _check_nesting(text: str) -> None:
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _NOT_NESTING:
            depth = max(depth - 1, 0) if tag[1] else depth + 1
            if depth > DEEPEST_NESTING:
                raise Unreadable("элементы страницы вложены друг в друга слишком глубоко")


def _walk(root: LexborNode, collector: "_Collector") -> None:
    """Shows every element and text below `root` to the collector, in order; without recursion, pages nest deeply."""
    node: LexborNode | None = root
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            collector.add_text(node.text_content or "")
        elif tag == "pre":
            collector.add_preformatted(node.text())
        elif tag in _CODE and len(code := node.text()) <= _LONGEST_CODE:
            collector.add_code(code)
        elif tag not in _DROPPED:
            collector.enter(tag)
            if node.first_child is not None:
                node = node.first_child
                continue
            collector.leave(tag)
        while node is not None and node.mem_id != root.mem_id and node.next is None:
            node = node.parent
            if node is not None:
                collector.leave(node.tag or "")
        node = None if node is None or node.mem_id == root.mem_id else node.next


class _Collector:
    """Turns the walk into blocks; knows where the text of the blocks so far ends."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._pieces: list[str] = []
        self._lists: list[int | None] = []  # per open list: the last number, None when it has bullets
        self._item: str | None = None
        self._in_heading = False
        self._cells: list[list[str]] = []  # per open cell, the texts in it
        self._row: list[str] = []
        self._rows: list[list[str]] = []

    def enter(self, tag: str) -> None:
        if tag == "br":
            self._pieces.append("\n")
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()
            self._in_heading = tag in _HEADINGS
        if tag in _CELLS:
            self._cells.append([])
        elif tag == "table":
            self._flush_table()
        elif tag in _LISTS:
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._item = self._mark_item()

    def leave(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._flush_heading(_HEADINGS[tag])
        elif tag in _BLOCKS:
            self._flush()
        if tag in _CELLS:
            self._row.append(" ".join(self._cells.pop()) if self._cells else "")
        elif tag == "tr":
            self._close_row()
        elif tag == "table":
            self._flush_table()
        elif tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._item = None

    def add_text(self, text: str) -> None:
        self._pieces.append(re.sub(r"\s+", " ", text))

    def add_code(self, code: str) -> None:
        code = " ".join(code.split())
        is_plain = self._in_heading or not code or "`" in code
        self._pieces.append(code if is_plain else f"`{code}`")

    def add_preformatted(self, text: str) -> None:
        self._flush()
        self._flush_table()
        code = normalise_text(text).lstrip("\n")
        if code.strip():
            fence = max(re.findall(r"`{3,}", code), key=len, default="``") + "`"
            self._blocks.add(f"{fence}\n{code}\n{fence}")

    def finish(self) -> Content:
        self._flush()
        self._flush_table()
        return self._blocks.finish()

    def _take_text(self) -> str:
        lines = "".join(self._pieces).split("\n")
        self._pieces = []
        return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))

    def _flush(self) -> None:
        text = self._take_text()
        if not text:
            return
        if self._cells and len(text) <= _LONGEST_CELL:
            self._cells[-1].append(text.replace("\n", " "))
            return
        self._flush_table()
        if self._item is not None:
            indent = " " * len(self._item)
            text = self._item + text.replace("\n", "\n" + indent)
            self._item = None
        self._blocks.add(text)

    def _flush_heading(self, level: int) -> None:
        title = self._take_text().replace("\n", " ")
        self._in_heading = False
        if title:
            self._flush_table()
            self._blocks.add_heading(level, title)

    def _close_row(self) -> None:
        if any(self._row):
            self._rows.append(self._row)
        self._row = []

    def _flush_table(self) -> None:
        """Adds the rows so far: as a Markdown table when they are even, else as lines."""
        for cell in self._cells:  # what the open cells have so far comes before the block inside of them
            self._row.extend(cell)
            cell.clear()
        self._close_row()
        rows, self._rows = self._rows, []
        self._blocks.add_table(rows)

    def _mark_item(self) -> str:
        indent = "  " * min(max(len(self._lists) - 1, 0), 4)
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] += 1
            return f"{indent}{self._lists[-1]}. "
        return f"{indent}- "
