"""Lines in a font of fixed pitch become code with its lines and indentation."""

from collections.abc import Sequence
from statistics import median

from pipeline.formats.pdf.lines import Line

#: The level of lines that are code.
CODE = -1
#: A document with more of it is typewritten.
_MOST = 0.6
#: The distance between baselines that a blank line makes, in heights of the font.
_BLANK = 1.9


def mark_code(lines: Sequence[Line], levels: Sequence[int]) -> list[int]:
    """The levels, with CODE for lines of code."""
    count = sum(len(line.text) for line in lines)
    if sum(len(line.text) for line in lines if line.is_code) > _MOST * count:
        return list(levels)
    marked = [CODE if line.is_code and not level else level for line, level in zip(lines, levels, strict=True)]
    for at, line in enumerate(lines):
        if marked[at] == CODE and CODE not in (marked[at - 1 : at] + marked[at + 1 : at + 2]):
            before = lines[at - 1] if at else None
            if before and not marked[at - 1] and _is_in_paragraph(before, line):
                marked[at] = 0
    return marked


def _is_in_paragraph(before: Line, line: Line) -> bool:
    pitch = before.bottom - line.bottom
    return before.page == line.page and abs(before.left - line.left) < line.size and 0 < pitch < 1.5 * line.size


def join_code(lines: Sequence[Line]) -> str:
    """The lines, each indented as it stands on the page."""
    widths = [(line.right - line.left) / len(line.text) for line in lines if line.right > line.left]
    width = median(widths) if widths else 1.0
    margins: dict[int, float] = {}
    for line in lines:
        margins[line.page] = min(margins.get(line.page, line.left), line.left)
    written = []
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else line
        if before.page == line.page and before.bottom - line.bottom > _BLANK * max(before.size, 1.0):
            written.append("")
        indent = min(round((line.left - margins[line.page]) / max(width, 0.1)), 80)
        written.append(" " * indent + line.text)
    return "\n".join(written)
