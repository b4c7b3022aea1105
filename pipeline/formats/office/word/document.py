"""The body of a Word document as paragraphs and tables."""

from collections.abc import Callable, Iterator

from pipeline.formats.office.alternatives import ALTERNATIVES, choose_alternative
from pipeline.formats.office.graphics import read_graphics
from pipeline.formats.office.model import (
    Block,
    Cell,
    Look,
    Paragraph,
    Piece,
    Table,
    is_code,
    mark_first,
)
from pipeline.formats.office.package import Element, Package, R
from pipeline.formats.office.word.names import W, number_of, value_of
from pipeline.formats.office.word.numbering import Numbering
from pipeline.formats.office.word.runs import Runs, has_whole_fields, is_left_out, leads_to_page, marks_end_deleted
from pipeline.formats.office.word.styles import Styles, find_used_styles
from pipeline.formats.placeholders import show_alternative_text

_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_VML = "{urn:schemas-microsoft-com:vml}"
_OPEN = frozenset({"body", "sdt", "sdtContent", "customXml", "ins", "moveTo", "txbxContent", "smartTag", "dir", "bdo"})
_WIDEST = 100


class DocumentReader:
    """Reads one document of a package; `include` gives the blocks of a part that is inserted as a whole."""

    def __init__(self, package: Package, main: str, root: Element, include: Callable[[str], list[Block]]) -> None:
        self._package, self._main, self._include = package, main, include
        self._styles = Styles(self._parse("styles"), find_used_styles(root))
        self._numbering = Numbering(self._parse("numbering"), self._styles.find_list)
        self._runs = Runs(self._styles, has_whole_fields=has_whole_fields(root))
        self._notes: dict[str, dict[str, Element]] = {}
        self._root = root
        self._carried: list[Piece] = []

    def read(self) -> list[Block]:
        """The blocks of the document; notes and text boxes follow the paragraph that they belong to."""
        found = [block for body in self._root.findall(f"{W}body") for block in self._read_blocks(body)]
        return [*found, Paragraph(self._carried)]

    def _parse(self, kind: str) -> Element | None:
        part = self._package.find_related(self._main, kind)
        return self._package.parse(part or f"word/{kind}.xml")

    def _read_blocks(self, holder: Element) -> Iterator[Block]:
        for child in holder:
            name = child.tag.rpartition("}")[2]
            if child.tag == ALTERNATIVES:
                yield from self._read_blocks(choose_alternative(child))
            elif name == "p":
                yield from self._read_paragraph(child)
            elif name == "tbl":
                yield self._read_table(child)
            elif name == "altChunk":
                yield from self._read_chunk(child.get(f"{R}id", ""))
            elif name == "sdt" and is_left_out(child):
                yield Paragraph([], is_contents=True)
            elif name in _OPEN:
                yield from self._read_blocks(child)
            elif name in {"oMath", "oMathPara"}:
                yield Paragraph(self._runs.read(_wrap(child), Look()).pieces)

    def _read_paragraph(self, element: Element) -> Iterator[Block]:
        properties = element.find(f"{W}pPr")
        style = value_of(properties, "pStyle") or ""
        look = self._styles.find_look(style)
        line = self._runs.read(element, look)
        if self._runs.is_in_contents or self._styles.is_contents(style) or leads_to_page(element):
            yield Paragraph(line.pieces, is_contents=True)
            return
        if marks_end_deleted(element):
            self._carried += line.pieces
        else:
            pieces, self._carried = self._carried + line.pieces, []
            paragraph = Paragraph(pieces, self._find_level(properties, style))
            if not paragraph.is_blank:
                mark = self._find_mark(properties, style)
                paragraph.mark = "" if paragraph.level is not None else mark
            paragraph.is_code = not paragraph.is_blank and (self._styles.is_code(style) or is_code(pieces))
            yield paragraph
        for drawing in line.drawn:
            yield from self._read_drawing(drawing)
        for kind, note, number in line.notes:
            yield from self._read_note(kind, note, number)

    def _find_level(self, properties: Element | None, style: str) -> int | None:
        outline = number_of(properties, "outlineLvl")
        if outline is not None:
            return outline + 1 if 0 <= outline <= 8 else None
        return self._styles.find_level(style)

    def _find_mark(self, properties: Element | None, style: str) -> str:
        number, depth = value_of(properties, "numPr/numId"), number_of(properties, "numPr/ilvl")
        if number is None:
            number, style_depth = self._styles.find_numbering(style)
            linked = self._numbering.styles.get(style)
            depth = depth if depth is not None else linked[1] if linked else style_depth
            number = number or (linked[0] if linked else None)
        return self._numbering.count(number, depth or 0) if number else ""

    def _read_table(self, table: Element) -> Table:
        rows = []
        for row in _find_rows(table, "tr"):
            properties = row.find(f"{W}trPr")
            if properties is not None and properties.find(f"{W}del") is not None:
                continue
            cells = [Cell(span=1)] * min(number_of(properties, "gridBefore") or 0, _WIDEST)
            for cell in _find_rows(row, "tc"):
                of_cell = cell.find(f"{W}tcPr")
                span = min(max(number_of(of_cell, "gridSpan") or 1, 1), _WIDEST)
                is_deleted = of_cell is not None and of_cell.find(f"{W}cellDel") is not None
                blocks = list(self._read_blocks(cell))
                cells.append(Cell([] if is_deleted else blocks, span))
            rows.append(cells)
        return Table(rows)

    def _read_drawing(self, element: Element) -> Iterator[Block]:
        """Its alternative text, its charts and diagrams, and its text boxes."""
        texts = [found.get("descr") or "" for found in element.iter(f"{_WP}docPr")]
        texts += [found.get("alt") or "" for found in element.iter() if found.tag.startswith(_VML)]
        for text in dict.fromkeys(map(show_alternative_text, texts)):
            if text:
                yield Paragraph([Piece(text)])
        yield from read_graphics(self._package, self._main, element)
        pending = [element]
        while pending:
            found = pending.pop()
            if found.tag == f"{W}txbxContent":
                yield from self._read_blocks(found)
            elif found.tag == ALTERNATIVES:
                pending.append(choose_alternative(found))
            else:
                pending.extend(reversed(found))

    def _read_note(self, kind: str, note: str, number: int) -> Iterator[Block]:
        """The note behind the mark that stands in the text."""
        if kind not in self._notes:
            root = self._parse(kind)
            self._notes[kind] = {found.get(f"{W}id", ""): found for found in root} if root is not None else {}
        found = self._notes[kind].pop(note, None)
        if found is not None:
            for block in mark_first(self._read_blocks(found), f"[{number}] "):
                if isinstance(block, Paragraph):
                    block.level = None
                yield block

    def _read_chunk(self, relationship: str) -> Iterator[Block]:
        _, target = self._package.find_relationships(self._main).get(relationship, ("", ""))
        yield from self._include(target)


def _find_rows(holder: Element, name: str) -> Iterator[Element]:
    """The rows of a table or the cells of a row, also those in content controls."""
    for child in holder:
        if child.tag == f"{W}{name}":
            yield child
        elif child.tag.rpartition("}")[2] in {"sdt", "sdtContent", "customXml", "ins", "moveTo"}:
            yield from _find_rows(child, name)


def _wrap(element: Element) -> Element:
    holder = Element(f"{W}p")
    holder.append(element)
    return holder
