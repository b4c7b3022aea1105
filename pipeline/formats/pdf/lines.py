"""Lines of a PDF with their places on the page, and what its bookmarks name."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

#: A font this many times the height of the usual one is larger than it.
LARGER = 1.12
#: A letter of any alphabet.
LETTER = re.compile(r"[^\W\d_]")
#: The bullet, number or letter that a list item begins with.
ITEM = re.compile(r"(?:[•·▪◦●○■□–—*‣∙►✓-]|\(?(?:\d{1,2}|[a-zа-я])\))\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, its place in points from the lower left corner, its font's height."""

    page: int
    text: str
    size: float
    is_bold: bool
    left: float
    right: float
    bottom: float
    top: float
    is_hyphenated: bool = False


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the PDF's outline: its page from 0, its level from 1."""

    page: int
    level: int
    title: str


def are_beside(left: Line, right: Line) -> bool:
    return left.left < right.left and min(left.top, right.top) - max(left.bottom, right.bottom) > left.size / 3


def usual_size(lines: Sequence[Line]) -> float:
    """The height of the font most characters are in."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0
