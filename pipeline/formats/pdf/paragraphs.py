"""Lines of text become paragraphs, list items and rows."""

from collections.abc import Iterator, Sequence

from pipeline.formats.pdf.lines import ITEM, LETTER, Line, are_beside, find_pitch

#: The distance between baselines that ends a paragraph, against the usual one.
_PARAGRAPH_GAP = 1.35
#: In heights of the font.
_INDENT = 0.7
#: Of the column's width: a line that leaves so much free ends something; a shorter one is a row or a verse.
_SHORT, _VERY_SHORT = 0.12, 0.4
_SENTENCE_END = (".", "!", "?", "…", ":", ";", ".»", "!»", "?»")


class Paragraphs:
    """Divides lines of text into paragraphs, and these into rows that are lines of their own."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._columns = [self._find_column(at) for at in range(len(lines))]
        self._pitch = find_pitch(lines)

    def split(self) -> Iterator[list[list[Line]]]:
        """Yields paragraphs: lists of rows, each a list of lines to be joined."""
        paragraph: list[list[Line]] = []
        for at, line in enumerate(self._lines):
            if paragraph and self._ends_paragraph(at):
                yield paragraph
                paragraph = []
            if paragraph and not self._ends_row(at):
                paragraph[-1].append(line)
            else:
                paragraph.append([line])
        if paragraph:
            yield paragraph

    def _find_column(self, at: int) -> tuple[float, float]:
        """The left and right edges of the lines around this one that stand above or below it."""
        line = self._lines[at]
        around = [
            other
            for other in self._lines[max(at - 15, 0) : at + 16]
            if other.page == line.page and other.left <= line.right and line.left <= other.right
        ] or [line]
        left = min(other.left for other in around)
        return left, max(other.right for other in around)

    def _is_short(self, at: int, share: float) -> bool:
        left, right = self._columns[at]
        return right - self._lines[at].right > share * (right - left)

    def _ends_paragraph(self, at: int) -> bool:
        """True when the line at this index begins a paragraph."""
        line, before = self._lines[at], self._lines[at - 1]
        if before.is_hyphenated or (before.page == line.page and are_beside(before, line)):
            return False
        if ITEM.match(line.text) or abs(line.size - before.size) > 0.1 * before.size:
            return True
        pitch = before.bottom - line.bottom
        ended = before.text.endswith(_SENTENCE_END)
        if line.page != before.page or pitch < -before.size:  # the next page or column
            return ended or not (line.text[0].islower() or LETTER.match(before.text[-1:]) or before.text[-1] == ",")
        if pitch > self._pitch * before.size * _PARAGRAPH_GAP:
            return True
        is_indented = line.left - before.left > _INDENT * line.size and line.left - self._columns[at][0] > (
            _INDENT * line.size
        )
        if is_indented and not ITEM.match(before.text):
            return ended or self._is_short(at - 1, _SHORT)
        return ended and self._is_short(at - 1, _SHORT)

    def _ends_row(self, at: int) -> bool:
        """True when the line begins a row within its paragraph: the one before leaves much space."""
        line, before = self._lines[at], self._lines[at - 1]
        if before.is_hyphenated or line.page != before.page or are_beside(before, line):
            return False
        return self._is_short(at - 1, _VERY_SHORT) and not line.text[0].islower()
