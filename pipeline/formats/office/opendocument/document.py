"""The body of an OpenDocument file as paragraphs and tables."""

from collections.abc import Iterator
from dataclasses import replace

from pipeline.formats.office.formulas.mathml import write_mathml
from pipeline.formats.office.model import Block, Cell, Look, Paragraph, Piece, Table, is_code, mark_first
from pipeline.formats.office.opendocument.lists import Lists, OpenList
from pipeline.formats.office.opendocument.names import DRAW, OFFICE, SVG, TABLE, TEXT, XLINK
from pipeline.formats.office.opendocument.styles import Styles
from pipeline.formats.office.package import Element, Package
from pipeline.formats.placeholders import show_alternative_text

_DROPPED = frozenset(
    {f"{TEXT}{name}" for name in ("tracked-changes", "illustration-index", "table-index")}
    | {f"{TEXT}{name}" for name in ("page-number", "page-count", "ruby-text")}
    | {f"{OFFICE}annotation", f"{OFFICE}forms", f"{TEXT}sequence-decls", f"{TEXT}variable-decls", f"{SVG}title"}
    | {f"{SVG}desc", f"{DRAW}image"}
)
_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
#: A cell or a row is repeated this often at most.
_MOST_REPEATED = 20
_WIDEST = 100


class DocumentReader:
    """Reads one document; notes and text boxes follow the paragraph that they belong to."""

    def __init__(self, package: Package, content: Element) -> None:
        self._package = package
        self._styles = Styles(content, package.parse("styles.xml"))
        self._lists = Lists(self._styles)
        self._notes = 0
        self._has_title = any(
            self._styles.is_title(found.get(f"{TEXT}style-name", "")) for found in content.iter(f"{TEXT}p")
        )

    def read(self, holder: Element, inside: OpenList | None = None, depth: int = 0) -> Iterator[Block]:
        """The blocks in an element; `inside` is the list whose item it is, `depth` how deep."""
        for child in holder:
            if child.tag in {f"{TEXT}p", f"{TEXT}h"}:
                yield from self._read_paragraph(child)
            elif child.tag == f"{TEXT}list":
                yield from self._read_list(child, inside, depth + 1)
            elif child.tag == f"{TABLE}table":
                yield self._read_table(child)
            elif child.tag == f"{TEXT}table-of-content":
                yield Paragraph([], is_contents=True)
            elif child.tag.startswith(DRAW):
                yield from self._read_drawing(child)
            elif child.tag not in _DROPPED and child.get(f"{TEXT}display") != "none":
                yield from self.read(child, inside, depth)

    def _read_paragraph(self, element: Element) -> Iterator[Block]:
        style = element.get(f"{TEXT}style-name", "")
        pieces: list[Piece] = []
        following: list[Element] = []
        self._read_text(element, self._styles.find_look("paragraph", style, Look()), pieces, following)
        paragraph = Paragraph(pieces, self._find_level(element, style))
        paragraph.is_code = not paragraph.is_blank and (self._styles.is_code(style) or is_code(pieces))
        yield paragraph
        number = self._notes - sum(found.tag == f"{TEXT}note" for found in following)
        for found in following:
            if found.tag == f"{TEXT}note":
                number += 1
                yield from self._read_note(found, number)
            else:
                yield from self._read_drawing(found)

    def _find_level(self, element: Element, style: str) -> int | None:
        if self._styles.is_title(style):
            return 1
        if element.tag == f"{TEXT}h":
            level = element.get(f"{TEXT}outline-level", "1")
            return (int(level) if level.isdecimal() else 1) + self._has_title
        level_of_style = self._styles.find_outline_level(style)
        return level_of_style + self._has_title if level_of_style else None

    def _read_text(self, element: Element, look: Look, pieces: list[Piece], following: list[Element]) -> None:
        """Adds what the element shows to `pieces`, its notes and drawings to `following`."""
        self._add(pieces, element.text, look)
        for child in element:
            if child.tag == f"{TEXT}span":
                own = self._styles.find_look("text", child.get(f"{TEXT}style-name", ""), look)
                self._read_text(child, own, pieces, following)
            elif child.tag == f"{TEXT}s":
                count = child.get(f"{TEXT}c", "1")
                self._add(pieces, " " * min(int(count) if count.isdecimal() else 1, _WIDEST), look, is_raw=True)
            elif child.tag == f"{TEXT}tab":
                self._add(pieces, "\t", look, is_raw=True)
            elif child.tag == f"{TEXT}line-break":
                self._add(pieces, "\n", look, is_raw=True)
            elif child.tag == f"{TEXT}note":
                self._notes += 1
                self._add(pieces, f"[{self._notes}]", replace(look, script=0))
                following.append(child)
            elif child.tag == f"{TEXT}ruby":
                self._read_ruby(child, look, pieces, following)
            elif child.tag.startswith(DRAW) and child.tag != f"{DRAW}a":
                self._read_formula(child, look, pieces)
                following.append(child)
            elif child.tag not in _DROPPED:
                self._read_text(child, look, pieces, following)
            self._add(pieces, child.tail, look)

    def _add(self, pieces: list[Piece], text: str | None, look: Look, *, is_raw: bool = False) -> None:
        if text and not look.is_hidden:
            if not is_raw:
                text = text.replace("\n", " ").replace("\t", " ")
            pieces.append(look.show(text))

    def _read_ruby(self, element: Element, look: Look, pieces: list[Piece], following: list[Element]) -> None:
        """The text, and how it is pronounced in brackets."""
        for name, before, after in (("ruby-base", "", ""), ("ruby-text", "(", ")")):
            found = element.find(f"{TEXT}{name}")
            if found is not None:
                self._add(pieces, before, look)
                self._read_text(found, look, pieces, following)
                self._add(pieces, after, look)

    def _read_note(self, note: Element, number: int) -> Iterator[Block]:
        body = note.find(f"{TEXT}note-body")
        if body is not None:
            yield from mark_first(self.read(body), f"[{number}] ")

    def _read_list(self, element: Element, inside: OpenList | None, depth: int) -> Iterator[Block]:
        style = element.get(f"{TEXT}style-name", "") or (inside.style if inside else "")
        continues = element.get(f"{TEXT}continue-list", "")
        if element.get(f"{TEXT}continue-numbering") == "true":
            continues = continues or style
        opened = inside or self._lists.begin(style, continues)
        opened.style, outer = style or opened.style, opened.style
        for item in element:
            mark = ""
            if item.tag == f"{TEXT}list-item":
                mark = self._lists.mark(opened, depth, item.get(f"{TEXT}start-value", ""))
            for block in self.read(item, opened, depth):
                if isinstance(block, Paragraph) and not block.is_blank and block.level is None and not block.mark:
                    block.mark, mark = mark, ""
                yield block
        opened.style = outer
        if inside is None:
            self._lists.end(opened, element.get(_XML_ID, ""), style)

    def _read_table(self, table: Element) -> Table:
        rows = []
        for row in _find(table, f"{TABLE}table-row"):
            cells = []
            for cell in row:
                if cell.tag not in {f"{TABLE}table-cell", f"{TABLE}covered-table-cell"}:
                    continue
                is_covered = cell.tag == f"{TABLE}covered-table-cell"
                read = Cell([] if is_covered else list(self.read(cell)))
                cells.extend([read] * _number(cell, f"{TABLE}number-columns-repeated", _MOST_REPEATED))
            rows.extend([cells] * _number(row, f"{TABLE}number-rows-repeated", _MOST_REPEATED))
        return Table(rows)

    def _read_drawing(self, element: Element) -> Iterator[Block]:
        """The alternative text of a picture and the texts in a box."""
        described = element.find(f"{SVG}desc")
        described = described if described is not None else element.find(f"{SVG}title")
        alt_text = show_alternative_text("".join(described.itertext())) if described is not None else ""
        if alt_text:
            yield Paragraph([Piece(alt_text)])
        yield from self.read(element)

    def _read_formula(self, frame: Element, look: Look, pieces: list[Piece]) -> None:
        """Adds the formula that the frame holds, if it does."""
        for found in frame.iter(f"{DRAW}object"):
            part = found.get(f"{XLINK}href", "").removeprefix("./")
            root = self._package.parse(f"{part}/content.xml") if part else None
            if root is not None and root.tag.endswith("}math"):
                self._add(pieces, write_mathml(root), look)


def _find(holder: Element, tag: str) -> Iterator[Element]:
    """The elements of this kind below a holder, but not below each other nor in tables within."""
    for child in holder:
        if child.tag == tag:
            yield child
        elif child.tag in {f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"}:
            yield from _find(child, tag)


def _number(element: Element, name: str, most: int) -> int:
    value = element.get(name, "1")
    return min(int(value), most) if value.isdecimal() else 1
