"""Line-wise questions about Markdown text that must not be fooled by fenced code."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r"( {0,3})(#{1,6})(?=[ \t]|$)(.*)")
_BACKTICKS = re.compile(r"`{3,}")
DEEPEST_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its offset; the fences (their marks) open before and after it, "" outside fenced code."""

    start: int
    text: str
    before: str
    after: str

    @property
    def is_code(self) -> bool:
        """True from a fence's opening line to its closing one."""
        return bool(self.before or self.after)


def scan_lines(text: str, start: int, end: int) -> Iterator[Line]:
    """Yields the lines of text[start:end]; `start` must be outside fenced code."""
    fence = ""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        line = text[start:stop]
        before = fence
        if fence:
            fence = "" if _closes(line, fence) else fence
        elif "`" in line or "~" in line:
            opening = _FENCE.match(line)
            fence = opening[1] if opening else ""
        yield Line(start, line, before, fence)
        start = stop + 1


def rewrite_lines(text: str, rewrite: Callable[[str], str]) -> str:
    """`text` with every line outside fenced code rewritten, and a fence left open at the end closed."""
    lines = []
    fence = ""
    for line in scan_lines(text, 0, len(text)):
        lines.append(line.text if line.is_code else rewrite(line.text))
        fence = line.after
    return "\n".join([*lines, fence] if fence else lines)


def shift_headings(text: str, by: int) -> str:
    """`text` with its `#` headings `by` levels deeper, none deeper than the sixth; fenced code stays as it is."""

    def shift(line: str) -> str:
        heading = _HEADING.fullmatch(line)
        return f"{'#' * min(len(heading[2]) + by, DEEPEST_LEVEL)}{heading[3]}" if heading else line

    return rewrite_lines(text, shift)


def split_heading(text: str) -> tuple[str, str]:
    """The title of the `#` heading on the first line of `text`, "" if there is none, and what follows it."""
    first, _, rest = text.lstrip("\n").partition("\n")
    heading = _HEADING.fullmatch(first)
    return (heading[3].strip().rstrip("#").strip(), rest.strip("\n")) if heading else ("", text.strip("\n"))


def fence_code(code: str) -> str:
    """The code between fences that are longer than any in it."""
    fence = max(_BACKTICKS.findall(code), key=len, default="``") + "`"
    return f"{fence}\n{code}\n{fence}"


def is_table_rule(line: str) -> bool:
    """True for the line between a table's head and its rows."""
    return "|" in line and "-" in line and not line.strip("|:- \t")


def _closes(line: str, fence: str) -> bool:
    mark = line.strip()
    return len(mark) >= len(fence) and mark == fence[0] * len(mark)
