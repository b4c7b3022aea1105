"""Headings in the text's own font: their words say so, and they stand apart."""

import re
from collections.abc import Iterator, Sequence

from pipeline.formats.pdf.headings.plausible import can_be_heading
from pipeline.formats.pdf.lines import LARGER, Body, Line, find_pitch
from pipeline.formats.plain_text import find_chapter_level

_LONGEST = 100
#: The level of chapters and their like; what stands for capitals, which have the same.
_CHAPTER, _CAPITALS = 2, 4
#: The distance between baselines above and below, against the usual one.
_APART = 1.3
#: In heights of the font: how far the middle of a centred line may be off that of the column.
_OFF_CENTRE = 1.5
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,4})[.)]?\s+[^\W\d_a-zа-яё].*")
_ALONE = re.compile(
    r"введение|заключение|выводы?|аннотация|предисловие|список (?:использованн\w+ )?(?:литературы|источников)"
    r"|литература|приложение(?: [а-яa-z\d])?|abstract|introduction|conclusions?|references|bibliography|preface|summary"
    r"|appendix(?: [a-z\d])?",
    re.IGNORECASE,
)


def find_worded(lines: Sequence[Line], body: Body) -> Iterator[tuple[int, int]]:
    """Yields the indexes of such lines and their levels, which count from 1."""
    pitch = find_pitch(lines)
    margins = _find_margins(lines)
    for at, line in enumerate(lines):
        if line.size < body.size * (2 - LARGER) or len(line.text) > _LONGEST or line.cells or line.is_turned:
            continue
        level = _guess_level(line.text)
        if not level or (level == _CAPITALS and not body.is_bold(line) and not _is_centred(line, margins[line.page])):
            continue
        if can_be_heading(line.text) and _is_apart(lines, at, pitch) and not _is_in_list(lines, at):
            yield at, _CHAPTER if level == _CAPITALS else level


def _guess_level(text: str) -> int:
    """By the words; _CAPITALS for what must be centred or in bold as well, 0 for text."""
    level = find_chapter_level(text)
    if level:
        return level
    if _ALONE.fullmatch(text.rstrip(".")):
        return _CHAPTER
    if text.endswith((".", ":", "!", "…")):
        return 0
    numbered = _NUMBERED.fullmatch(text)
    if numbered:
        return min(numbered[1].count(".") + 1, 3)
    return _CAPITALS if text.isupper() and sum(map(str.isalpha, text)) >= 5 else 0


def _is_in_list(lines: Sequence[Line], at: int) -> bool:
    """True when the line above or below is numbered to the same depth."""
    number = _NUMBERED.match(lines[at].text)
    around = [_NUMBERED.match(lines[other].text) for other in (at - 1, at + 1) if 0 <= other < len(lines)]
    return number is not None and any(other and other[1].count(".") == number[1].count(".") for other in around)


def _is_apart(lines: Sequence[Line], at: int, pitch: float) -> bool:
    """True when more space than usual is above and below."""
    line = lines[at]
    above, below = (lines[other] if 0 <= other < len(lines) else None for other in (at - 1, at + 1))
    least = _APART * pitch * max(line.size, 1.0)
    is_free_above = above is None or above.page != line.page or abs(above.bottom - line.bottom) > least
    is_free_below = below is None or below.page != line.page or abs(line.bottom - below.bottom) > least
    return is_free_above and is_free_below


def _is_centred(line: Line, margins: tuple[float, float]) -> bool:
    left, right = margins
    is_inside = line.left - left > 2 * line.size and right - line.right > 2 * line.size
    return is_inside and abs(line.left + line.right - left - right) < 2 * _OFF_CENTRE * line.size


def _find_margins(lines: Sequence[Line]) -> dict[int, tuple[float, float]]:
    """The left and right edges of the text per page."""
    margins: dict[int, tuple[float, float]] = {}
    for line in lines:
        left, right = margins.get(line.page, (line.left, line.right))
        margins[line.page] = (min(left, line.left), max(right, line.right))
    return margins
