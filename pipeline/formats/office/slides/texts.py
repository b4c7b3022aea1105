"""The paragraphs and tables of shapes."""

from dataclasses import dataclass

from pipeline.formats.office.alternatives import ALTERNATIVES, choose_alternative
from pipeline.formats.office.formulas.omml import M, write_formula
from pipeline.formats.office.formulas.symbols import show_symbols
from pipeline.formats.office.model import Block, Cell, Paragraph, Piece, Table, is_code, is_monospaced
from pipeline.formats.office.numerals import write_mark, write_number
from pipeline.formats.office.package import A, Element

_REPEATED_FIELDS = ("slidenum", "datetime", "footer")
_WIDEST = 100
#: The kinds of automatic numbers begin with one of these.
_NUMERALS = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}


@dataclass(frozen=True, slots=True)
class _Bullet:
    """What a paragraph says of its mark: a sign, a number of this kind from this one on, or nothing."""

    is_sign: bool = False
    kind: str = ""
    start: int = 1


def read_texts(paragraphs: list[Element], *, is_list: bool) -> list[Block]:
    """The paragraphs; in a list those that do not say otherwise have bullets when they are several."""
    shown = [(found, _read_pieces(found)) for found in paragraphs]
    is_list = is_list and sum(any(piece.text.strip() for piece in pieces) for _, pieces in shown) > 1
    counts: dict[int, int] = {}
    blocks: list[Block] = []
    for found, pieces in shown:
        paragraph = Paragraph(pieces, is_code=is_code(pieces))
        if not paragraph.is_blank and not paragraph.is_code:
            paragraph.mark = _find_mark(found, counts, is_list=is_list)
        blocks.append(paragraph)
    return blocks


def read_text(paragraphs: list[Element]) -> str:
    """All in one line."""
    texts = (Paragraph(_read_pieces(found)).text.replace("\n", " ") for found in paragraphs)
    return " ".join(filter(None, texts))


def find_size(paragraphs: list[Element]) -> int:
    """The largest size of letters that the paragraphs give, 0 if they give none."""
    sizes = (found.get("sz", "") for paragraph in paragraphs for found in paragraph.iter(f"{A}rPr"))
    return max((int(size) for size in sizes if size.isdecimal()), default=0)


def read_table(table: Element) -> Table:
    rows = []
    for row in table.findall(f"{A}tr"):
        cells = []
        for cell in row.findall(f"{A}tc")[:_WIDEST]:
            is_merged = any(cell.get(name) in {"1", "true"} for name in ("hMerge", "vMerge"))
            found = cell.findall(f"{A}txBody/{A}p")
            cells.append(Cell([] if is_merged else read_texts(found, is_list=False)))
        rows.append(cells)
    return Table(rows)


def _find_mark(paragraph: Element, counts: dict[int, int], *, is_list: bool) -> str:
    properties = paragraph.find(f"{A}pPr")
    depth = properties.get("lvl", "0") if properties is not None else "0"
    level = int(depth) if depth.isdecimal() else 0
    bullet = _read_bullet(properties, _Bullet(is_sign=is_list))
    for deeper in [at for at in counts if at > level or (at == level and not bullet.kind)]:
        del counts[deeper]
    if bullet.kind:
        counts[level] = counts[level] + 1 if level in counts else bullet.start
        kind = next((kind for name, kind in _NUMERALS.items() if bullet.kind.startswith(name)), "decimal")
        after = ")" if "Paren" in bullet.kind else "."
        return write_mark(level, f"{write_number(counts[level], kind)}{after}")
    return write_mark(level) if bullet.is_sign else ""


def _read_bullet(properties: Element | None, usual: _Bullet) -> _Bullet:
    for found in properties if properties is not None else ():
        match found.tag.rpartition("}")[2]:
            case "buNone":
                return _Bullet()
            case "buChar" | "buBlip":
                return _Bullet(is_sign=True)
            case "buAutoNum":
                start = found.get("startAt", "1")
                return _Bullet(kind=found.get("type", "arabic"), start=int(start) if start.isdecimal() else 1)
    return usual


def _read_pieces(holder: Element) -> list[Piece]:
    """The runs of a paragraph, its breaks and formulas; numbers of slides and dates are left out."""
    pieces: list[Piece] = []
    for child in holder:
        name = child.tag.rpartition("}")[2]
        if child.tag.startswith(M):
            pieces.append(Piece(write_formula(child)))
        elif child.tag == ALTERNATIVES:
            pieces.extend(_read_pieces(choose_alternative(child)))
        elif name == "br":
            pieces.append(Piece("\n"))
        elif name == "r" or (name == "fld" and not child.get("type", "").startswith(_REPEATED_FIELDS)):
            pieces.append(_read_run(child))
        elif name == "m":  # where formulas stand in slides
            pieces.extend(_read_pieces(child))
    return pieces


def _read_run(run: Element) -> Piece:
    text = "".join(found.text or "" for found in run.findall(f"{A}t")).replace("\v", "\n")
    properties = run.find(f"{A}rPr")
    if properties is None:
        return Piece(text)
    baseline = properties.get("baseline", "0").removesuffix("%")
    fonts = [font.get("typeface", "") for font in properties if font.tag in {f"{A}latin", f"{A}sym"}]
    return Piece(
        next((shown for font in fonts if (shown := show_symbols(font, text)) != text), text),
        script=0 if not baseline.lstrip("-").isdecimal() else (int(baseline) > 0) - (int(baseline) < 0),
        is_code=any(map(is_monospaced, fonts)),
    )
