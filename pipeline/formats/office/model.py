"""The paragraphs and tables of an office document, as its reader found them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pipeline.formats.content import Content
from pipeline.formats.office.formulas.symbols import show_symbols
from pipeline.formats.scripts import subscript, superscript

_INVISIBLE = {ord("\u00ad"): None, ord("\ufeff"): None, ord("\u200b"): None}
_MONOSPACED = re.compile(r"courier|consolas|mono(?!t)|menlo|monaco|lucida console|cascadia|inconsolata|fixedsys", re.I)


@dataclass(frozen=True, slots=True)
class Look:
    """How text looks, as far as it matters; `script` is 1 where it is raised, -1 where it is lowered."""

    is_bold: bool = False
    is_hidden: bool = False
    font: str = ""
    script: int = 0

    def show(self, text: str) -> "Piece":
        """The text in this look."""
        return Piece(show_symbols(self.font, text), self.script, self.is_bold, is_monospaced(self.font))


@dataclass(slots=True)
class Piece:
    """Text of one look; `script` is 1 where it is raised, -1 where it is lowered."""

    text: str
    script: int = 0
    is_bold: bool = False
    is_code: bool = False


@dataclass(slots=True)
class Paragraph:
    """A paragraph; `level` is that of a heading, `mark` what stands before a list item.

    `is_contents` is set for an entry of a table of contents.
    """

    pieces: list[Piece]
    level: int | None = None
    mark: str = ""
    is_code: bool = False
    is_contents: bool = False

    @property
    def text(self) -> str:
        """Its lines without what is not seen."""
        lines = join_pieces(self.pieces).split("\n")
        return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))

    @property
    def code(self) -> str:
        return join_pieces(self.pieces).replace("\t", "    ").replace("\u00a0", " ").rstrip()

    @property
    def is_bold(self) -> bool:
        shown = [piece for piece in self.pieces if piece.text.strip()]
        return bool(shown) and all(piece.is_bold for piece in shown)

    @property
    def is_blank(self) -> bool:
        return not any(piece.text.strip() for piece in self.pieces)


@dataclass(slots=True)
class Cell:
    """A cell of a table, `span` columns wide."""

    blocks: "list[Block]" = field(default_factory=list)
    span: int = 1


@dataclass(slots=True)
class Table:
    rows: list[list[Cell]]


#: A Content is a whole document that is inserted.
Block = Paragraph | Table | Content


def join_pieces(pieces: Iterable[Piece]) -> str:
    """Their text, raised and lowered pieces as such."""
    text = ""
    for script, group in groupby(pieces, key=lambda piece: piece.script):
        run = "".join(piece.text for piece in group).translate(_INVISIBLE)
        text += superscript(run) if script > 0 else subscript(run) if script < 0 else run
    return text


def mark_first(blocks: Iterable[Block], mark: str) -> Iterator[Block]:
    """Yields the blocks; the first paragraph with text has `mark` in front."""
    for block in blocks:
        if isinstance(block, Paragraph) and not block.is_blank:
            block.mark, mark = mark + block.mark, ""
        yield block


def is_monospaced(font: str) -> bool:
    return _MONOSPACED.search(font) is not None


def is_code(pieces: Sequence[Piece]) -> bool:
    """Whether all text is in a monospaced font."""
    return any(piece.text.strip() for piece in pieces) and all(piece.is_code for piece in pieces if piece.text.strip())
