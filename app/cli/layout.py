"""Tables that fit a terminal."""

import re
import textwrap
from collections.abc import Sequence

GAP = "  "
#: A column is cut to no less than this; one of texts has lines of its own below it.
NARROWEST = 10
NARROWEST_TEXT = 24
INDENT = 4
#: Lines that a text may have.
MOST_LINES = 6

#: Values that are of no use when they are cut: ids, times, numbers.
_WHOLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{4}-[0-9-]+ [0-9:]+|[0-9.]+|True|False|-")


def draw(columns: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], width: int | None) -> str:
    """Aligned columns under their names, numbers to the right.

    Where that is wider than `width`, columns at the right are left out, and the widest are cut. Only texts of the last
    one are broken into lines instead, beside their rows if there is room, else below.
    """
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    alignments = [">" if right else "<" for right in numeric] or ["<"] * len(widths)
    left = 0  # where texts begin, if they are broken
    if width is not None and _total(widths) > width and len(widths) > 1:
        whole = [_is_whole(cells, at) for at in range(len(widths))]
        fixed = len(widths) - (not whole[-1])
        widths = _fit(widths[:fixed], whole[:fixed], width)
        if not whole[-1]:
            left = _total(widths) + len(GAP)
            if len(widths) < fixed or width - left < NARROWEST_TEXT:
                left = INDENT

    def line(row: Sequence[str], text: str) -> str:
        shown = zip(row, alignments, widths, strict=False)  # some may be left out
        drawn = GAP.join(f"{_cut(cell, size):{alignment}{size}}" for cell, alignment, size in shown)
        if not left or width is None:
            return drawn.rstrip()
        if left > INDENT:
            return f"{drawn}{GAP}" + f"\n{'':{left}}".join(wrap(text, width - left))
        return "\n".join([drawn.rstrip(), *(" " * left + each for each in wrap(text, width - left) if text != "-")])

    heading = line(columns, columns[-1] if left > INDENT else "-")
    return "\n".join([heading, *(line(row, row[-1]) for row in cells)])


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of that width, at least one and at most `MOST_LINES`."""
    width = max(width, NARROWEST)
    return textwrap.wrap(text, width, max_lines=MOST_LINES, placeholder=" …", break_on_hyphens=False) or [""]


def _fit(widths: Sequence[int], whole: Sequence[bool], width: int) -> list[int]:
    """The widths with which as many columns fit as may, from the left: at least one."""
    least = [size if keep else min(size, NARROWEST) for size, keep in zip(widths, whole, strict=True)]
    shown = next((count for count in range(len(widths), 1, -1) if _total(least[:count]) <= width), 1)
    fitted = list(widths[:shown])
    while _total(fitted) > width:
        widest = max(range(shown), key=lambda at: fitted[at] if fitted[at] > least[at] else 0)
        if fitted[widest] <= least[widest]:
            break
        fitted[widest] -= 1
    return fitted


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _is_whole(cells: Sequence[Sequence[str]], at: int) -> bool:
    return all(_WHOLE.fullmatch(row[at]) for row in cells)


def _cut(cell: str, size: int) -> str:
    """The cell, without its middle if it is too long: its beginning and its end may both tell it from others."""
    if len(cell) <= size:
        return cell
    end = (size - 1) // 2
    return f"{cell[: size - 1 - end]}…{cell[len(cell) - end :]}"
