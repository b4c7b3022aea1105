"""What a paragraph of a Word document shows: its text piece by piece, notes, and what is anchored in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.formats.office.alternatives import ALTERNATIVES, choose_alternative
from pipeline.formats.office.formulas.omml import M, write_formula
from pipeline.formats.office.formulas.symbols import read_symbol
from pipeline.formats.office.model import Look, Piece
from pipeline.formats.office.package import Element
from pipeline.formats.office.word.names import W, is_on, value_of
from pipeline.formats.office.word.styles import Styles, change_look

#: Deleted text, the instructions of fields, and what describes and does not show.
_DROPPED = frozenset(
    {"del", "moveFrom", "delText", "delInstrText", "pPr", "rPr", "sdtPr", "sdtEndPr", "fldData", "rt"}
    | {"annotationRef", "footnoteRef", "endnoteRef", "tbl", "p"}
)
_DRAWN = ("drawing", "pict", "object")
_CODE = re.compile(r"[0-9A-Fa-f]{1,4}")
_SIGNS = {"tab": "\t", "cr": "\n", "br": "\n", "noBreakHyphen": "-", "softHyphen": "", "ptab": "\t"}
_OLE = "{urn:schemas-microsoft-com:office:office}OLEObject"
#: Stands for a formula of an old editor, which is kept as a picture.
_UNREADABLE_FORMULA = r"$\ldots$"
#: How the prompts of controls begin that nobody filled in.
_PROMPT = re.compile(
    r"\s*(?:\[|(?:click|tap|enter|choose|type|место для|введите|щ[её]лкните|выберите)\b)", re.IGNORECASE
)
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}


@dataclass(slots=True)
class Line:
    """What one paragraph shows. `drawn` holds its drawings, `notes` the kinds, ids and numbers of its notes."""

    pieces: list[Piece] = field(default_factory=list)
    drawn: list[Element] = field(default_factory=list)
    notes: list[tuple[str, str, int]] = field(default_factory=list)


class Runs:
    """Reads the paragraphs of a document in order, since a field may hold several of them."""

    def __init__(self, styles: Styles, *, has_whole_fields: bool) -> None:
        """Fields that hold a table of contents are left out, unless a field of the document has no end."""
        self._styles = styles
        self._has_whole_fields = has_whole_fields
        #: Per open field, its instruction and whether its result has begun.
        self._fields: list[tuple[str, bool]] = []
        self._notes = 0
        self._readers: dict[str, Callable[[Element, Look, Line], None]] = {
            "r": self._read_run,
            "t": self._read_text,
            "sym": self._read_symbol,
            "fldChar": self._read_field,
            "fldSimple": self._read_simple_field,
            "instrText": self._read_instruction,
            "ruby": self._read_ruby,
            "sdt": self._read_control,
            **dict.fromkeys(_NOTES, self._read_note_mark),
            **dict.fromkeys(_DRAWN, self._read_drawing),
        }

    @property
    def is_in_contents(self) -> bool:
        return self._has_whole_fields and any(is_shown and _is_contents(code) for code, is_shown in self._fields)

    def read(self, paragraph: Element, look: Look) -> Line:
        """What the paragraph shows; `look` is that of its style."""
        line = Line()
        self._read_children(paragraph, look, line)
        return line

    def _read_children(self, element: Element, look: Look, line: Line) -> None:
        for child in element:
            self._read(child, look, line)

    def _read(self, element: Element, look: Look, line: Line) -> None:
        namespace, _, name = element.tag.rpartition("}")
        if element.tag == ALTERNATIVES:
            self._read_children(choose_alternative(element), look, line)
        elif namespace == M[:-1]:
            if name in {"oMath", "oMathPara"}:
                self._add(line, write_formula(element), Look(is_bold=look.is_bold))
        elif name in _SIGNS:
            self._add(line, _SIGNS[name], look)
        elif name in self._readers:
            self._readers[name](element, look, line)
        elif name not in _DROPPED:
            self._read_children(element, look, line)

    def _read_text(self, element: Element, look: Look, line: Line) -> None:
        self._add(line, element.text or "", look)

    def _read_symbol(self, element: Element, look: Look, line: Line) -> None:
        code = element.get(f"{W}char", "")
        if _CODE.fullmatch(code):
            self._add(line, read_symbol(element.get(f"{W}font", ""), int(code, 16)), look)

    def _read_simple_field(self, element: Element, look: Look, line: Line) -> None:
        if not _is_contents(element.get(f"{W}instr", "")):
            self._read_children(element, look, line)

    def _read_instruction(self, element: Element, _: Look, __: Line) -> None:
        if self._fields and not self._fields[-1][1]:
            self._fields[-1] = self._fields[-1][0] + (element.text or ""), False

    def _read_note_mark(self, element: Element, look: Look, line: Line) -> None:
        self._notes += 1
        kind = _NOTES[element.tag.rpartition("}")[2]]
        line.notes.append((kind, element.get(f"{W}id", ""), self._notes))
        self._add(line, f"[{self._notes}]", Look(is_bold=look.is_bold))

    def _read_drawing(self, element: Element, look: Look, line: Line) -> None:
        if not self.is_in_contents and not look.is_hidden:
            line.drawn.append(element)
            if any(found.get("ProgID", "").startswith("Equation") for found in element.iter(_OLE)):
                self._add(line, _UNREADABLE_FORMULA, Look(is_bold=look.is_bold))

    def _read_control(self, element: Element, look: Look, line: Line) -> None:
        if not is_left_out(element):
            self._read_children(element, look, line)

    def _read_run(self, run: Element, look: Look, line: Line) -> None:
        properties = run.find(f"{W}rPr")
        style = value_of(properties, "rStyle")
        if style:
            own = self._styles.find_look(style)
            look = Look(
                is_bold=look.is_bold or own.is_bold,
                is_hidden=look.is_hidden or own.is_hidden,
                font=own.font or look.font,
                script=own.script or look.script,
            )
        self._read_children(run, change_look(look, properties), line)

    def _read_field(self, element: Element, _: Look, __: Line) -> None:
        match element.get(f"{W}fldCharType"):
            case "begin":
                self._fields.append(("", False))
            case "separate" if self._fields:
                self._fields[-1] = self._fields[-1][0], True
            case "end" if self._fields:
                self._fields.pop()

    def _read_ruby(self, element: Element, look: Look, line: Line) -> None:
        """The text, and how it is pronounced in brackets."""
        for part, before, after in (("rubyBase", "", ""), ("rt", "(", ")")):
            found = element.find(f"{W}{part}")
            if found is not None:
                self._add(line, before, look)
                self._read_children(found, look, line)
                self._add(line, after, look)

    def _add(self, line: Line, text: str, look: Look) -> None:
        if text and not look.is_hidden and not self.is_in_contents:
            line.pieces.append(look.show(text))


def is_left_out(control: Element) -> bool:
    """Whether a content control holds a table of contents, or only asks for what was never written."""
    properties = control.find(f"{W}sdtPr")
    gallery = value_of(properties, "docPartObj/docPartGallery") or ""
    if gallery.casefold() == "table of contents":
        return True
    text = "".join(found.text or "" for found in control.iter(f"{W}t"))
    return bool(is_on(properties, "showingPlcHdr")) and _PROMPT.match(text) is not None


def leads_to_page(paragraph: Element) -> bool:
    """Whether the paragraph shows the page of a heading, as entries of tables of contents do."""
    codes = [element.text or "" for element in paragraph.iter(f"{W}instrText")]
    codes += [element.get(f"{W}instr", "") for element in paragraph.iter(f"{W}fldSimple")]
    return any(code.split()[:1] == ["PAGEREF"] and "_Toc" in code for code in codes)


def has_whole_fields(root: Element) -> bool:
    """Whether each field of the document has an end."""
    kinds = [element.get(f"{W}fldCharType") for element in root.iter(f"{W}fldChar")]
    return kinds.count("begin") == kinds.count("end")


def _is_contents(instruction: str) -> bool:
    return instruction.split()[:1] == ["TOC"]


def marks_end_deleted(paragraph: Element) -> bool:
    """Whether the paragraph goes on in the next one: its end was deleted, or it is a drop cap."""
    properties = paragraph.find(f"{W}pPr")
    if properties is None:
        return False
    frame = properties.find(f"{W}framePr")
    is_drop_cap = frame is not None and frame.get(f"{W}dropCap") in {"drop", "margin"}
    return is_drop_cap or properties.find(f"{W}rPr/{W}del") is not None
