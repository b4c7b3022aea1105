"""Lines of a PDF with their places on the page, and what its bookmarks name."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: A font this many times the height of the usual one is larger than it.
LARGER = 1.12
#: The tag of a line in a table of contents.
CONTENTS = -1
#: A letter of any alphabet.
LETTER = re.compile(r"[^\W\d_]")
_NO_LETTER = re.compile(r"[\W_]+")
BULLETS = "•·▪◦●○■□‣∙►✓➢"
#: The bullet, number or letter that a list item begins with.
ITEM = re.compile(rf"(?:[{BULLETS}*–—-]|\(?(?:\d{{1,2}}|[a-zа-я])\))\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """A font by its name; whether that says bold; the weight that PDFium guesses. Each is made once a file."""

    name: str = ""
    weight: int = 400
    is_bold: bool = False
    is_mono: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a line with much space on either side."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, its place in points from the lower left corner, its font and the font's height."""

    page: int
    text: str
    size: float
    font: Font
    left: float
    right: float
    bottom: float
    top: float
    is_hyphenated: bool = False
    #: All of it is in a font of fixed pitch; the text has its spaces then.
    is_code: bool = False
    #: It stands across the other lines of its page.
    is_turned: bool = False
    #: What the file says of the line: its level as a heading, CONTENTS, or 0.
    tag: int = 0
    #: Two or more, or none.
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the PDF's outline: its page from 0, its level from 1."""

    page: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Body:
    """The font and the height that most characters are in."""

    size: float
    font: Font

    def is_bold(self, line: Line) -> bool:
        """True when the line is in a bolder font than the body."""
        if self.font.is_bold:
            return False
        return line.font.is_bold or (line.font.weight >= 600 and self.font.weight < 500)


def find_body(lines: Iterable[Line]) -> Body:
    sizes: Counter[float] = Counter()
    fonts: Counter[Font] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
        fonts[line.font] += len(line.text)
    return Body(
        max(sizes, key=sizes.__getitem__, default=0.0),
        max(fonts, key=fonts.__getitem__, default=Font()),
    )


def find_pitch(lines: Sequence[Line]) -> float:
    """The usual distance between baselines, in heights of the font."""
    pitches = Counter(
        round((line.bottom - following.bottom) / max(line.size, 1), 1)
        for line, following in pairwise(lines)
        if line.page == following.page and 0 < line.bottom - following.bottom < 4 * line.size
    )
    return pitches.most_common(1)[0][0] if pitches else 1.3


def are_beside(left: Line, right: Line) -> bool:
    return left.left < right.left and min(left.top, right.top) - max(left.bottom, right.bottom) > left.size / 3


def squeeze(text: str) -> str:
    """The letters and digits, for comparison."""
    return _NO_LETTER.sub("", text.casefold())
