"""The stretches of a page become lines, with superscripts, cells and the indentation of code."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TypeVar
from unicodedata import normalize

from pipeline.formats.pdf.extraction.words import Stretch, Style, Word, turn
from pipeline.formats.pdf.lines import Cell, Font, Line
from pipeline.formats.scripts import subscript, superscript

#: All in heights of the font: the least gap that is a space, and that divides cells.
_SPACE, _CELL_GAP = 0.15, 1.6
#: A script is smaller than its line by this, and its baseline so much higher or lower.
_SCRIPT_SIZE, _RAISED, _LOWERED = 0.86, 0.2, -0.06
#: A first letter this many times the size of what is beside it is a drop cap, and a line of its own.
_DROP_CAP = 1.8
#: Of all characters of a line of code.
_MOSTLY = 0.95
#: How much the pitch of words of code differs, and how many columns it has.
_UNEVEN, _MOST_COLUMNS = 0.2, 400
#: Of all characters of a line: those in bold, and those in a larger font.
_NEARLY_ALL = 0.9
_FEW = 0.15
#: So many letters with spaces between them are one word.
_LEAST_SPACED = 5
_T = TypeVar("_T")


def assemble(stretches: Iterable[Stretch], page: int) -> list[Line]:
    """The lines of the page in the order they were written in; what stands across the others is marked."""
    joined = list(_join(stretches))
    if not joined:
        return []
    turns = _count((word.style.turns, len(word.text)) for stretch in joined for word in stretch.words)
    usual = max(turns, key=turns.__getitem__)
    return [_make_line(stretch, page, usual) for stretch in joined]


def _join(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yields the stretches, each with those that go on to the right of it at its height."""
    current: Stretch | None = None
    for stretch in stretches:
        if current is not None and _goes_on(current, stretch):
            word = stretch.words[0]
            before = current.words[-1]
            word.is_spaced = word.left - before.right > _SPACE * max(word.style.size, before.style.size)
            current.words += stretch.words
            current.is_hyphenated = stretch.is_hyphenated
        else:
            if current is not None:
                yield current
            current = stretch
    if current is not None:
        yield current


def _goes_on(current: Stretch, following: Stretch) -> bool:
    before, after = current.words[-1], following.words[0]
    if current.is_hyphenated or before.style.turns != after.style.turns:
        return False
    if len(current.words) == 1 and before.style.size > _DROP_CAP * after.style.size and len(before.text) <= 2:
        return False
    overlap = min(before.style.top, after.style.top) - max(before.style.bottom, after.style.bottom)
    if overlap * 3 <= min(before.style.top - before.style.bottom, after.style.top - after.style.bottom):
        return False
    largest = max(word.style.size for word in current.words[-3:])
    if after.style.size < _SCRIPT_SIZE * largest or before.style.size < _SCRIPT_SIZE * after.style.size:
        return after.left >= before.left - 1
    return (
        after.left >= before.right - after.style.size / 2
        and abs(after.style.baseline - before.style.baseline) < after.style.size / 2
    )


def _make_line(stretch: Stretch, page: int, usual_turns: int) -> Line:
    words = stretch.words
    size = _find_size(words)
    font = _find_font(words)
    main = next(word.style for word in words if word.style.size == size)
    box = (min(word.left for word in words), max(word.right for word in words), main.bottom, main.top)
    turns = words[0].style.turns
    is_turned = turns != usual_turns
    if is_turned:
        corners = [turn(*turn(x, y, -turns % 4), usual_turns) for x in box[:2] for y in box[2:]]
        xs, ys = zip(*corners, strict=True)
        box = (min(xs), max(xs), min(ys), max(ys))
    code = "" if is_turned else _write_code(words)
    groups = [] if code else list(_split_cells(words, size))
    texts = [_write(group, main) for group in groups]
    cells = tuple(Cell(text, group[0].left, group[-1].right) for text, group in zip(texts, groups, strict=True))
    return Line(
        page,
        code or " ".join(texts),
        size,
        font,
        *box,
        is_hyphenated=stretch.is_hyphenated,
        is_code=bool(code),
        is_turned=is_turned,
        tag=main.tag,
        cells=cells if len(cells) > 1 else (),
    )


def _find_size(words: Sequence[Word]) -> float:
    """The largest height that more than a few characters have: capitals stand beside small ones."""
    counts = _count((word.style.size, len(word.text)) for word in words)
    few = _FEW * counts.total()
    return max(size for size, count in counts.items() if count > few)


def _find_font(words: Sequence[Word]) -> Font:
    """The font that most characters are in; one that is not bold, unless nearly all are in it."""
    counts = _count((word.style.font, len(word.text)) for word in words)
    most = max(counts, key=counts.__getitem__)
    if most.is_bold and counts[most] < _NEARLY_ALL * counts.total():
        return max(counts, key=lambda font: (not font.is_bold, counts[font]))
    return most


def _count(pairs: Iterable[tuple[_T, int]]) -> Counter[_T]:
    """The sum for each value."""
    counts: Counter[_T] = Counter()
    for value, count in pairs:
        counts[value] += count
    return counts


def _split_cells(words: Sequence[Word], size: float) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and word.left - group[-1].right > _CELL_GAP * size:
            yield group
            group = []
        group.append(word)
    yield group


def _write(words: Sequence[Word], main: Style) -> str:
    """The words with spaces; what is smaller and higher or lower than the main part, as super- or subscript."""
    words = _close_up(words)
    text = ""
    script = ""
    kind = 0
    for word in words:
        now = _find_script(word, main)
        if script and (now != kind or word.is_spaced):
            text += _SCRIPTS[kind](normalize("NFKC", script))
            script = ""
        kind = now
        if word.is_spaced and (text or script):
            text += " "
        if now:
            script += word.text
        else:
            text += word.text
    return text + (_SCRIPTS[kind](normalize("NFKC", script)) if script else "")


def _close_up(words: Sequence[Word]) -> Sequence[Word]:
    """The words; letters in spaced capitals, like В В Е Д Е Н И Е, become one word, or one for each wider gap."""
    letters = "".join(word.text for word in words)
    if len(words) < _LEAST_SPACED or len(letters) > len(words) + 1 or not (letters.isalpha() and letters.isupper()):
        return words
    gaps = [following.left - word.right for word, following in pairwise(words)]
    if sorted(letters) == list(letters) or min(gaps) <= 0:
        return words
    wide = 1.6 * median(gaps)
    return [words[0]] + [replace(word, is_spaced=gap > wide) for word, gap in zip(words[1:], gaps, strict=True)]


_SCRIPTS = {1: superscript, -1: subscript}


def _find_script(word: Word, main: Style) -> int:
    """1 for a superscript, -1 for a subscript, else 0."""
    if word.style.size >= _SCRIPT_SIZE * main.size:
        return 0
    rise = (word.style.baseline - main.baseline) / max(main.size, 0.1)
    return 1 if rise > _RAISED else -1 if rise < _LOWERED else 0


def _write_code(words: Sequence[Word]) -> str:
    """The line with a space for every column left free; "" unless it is in a font of fixed pitch, and keeps to it."""
    count = sum(len(word.text) for word in words)
    if sum(len(word.text) for word in words if word.style.font.is_mono) < _MOSTLY * count:
        return ""
    if any("\u2e80" <= char <= "\uffef" for word in words for char in word.text):
        return ""
    width = min((word.right - word.left) / len(word.text) for word in words)
    pitches = [_find_pitch(word, width) for word in words if len(word.text) > 1] or [width]
    pitch = median(pitches)
    if pitch <= 0 or any(abs(other - pitch) > _UNEVEN * pitch for other in pitches):
        return ""
    text, begun = words[0].text, 0
    for before, word in pairwise(words):
        column = begun + round((word.left - before.left) / pitch)
        if column > _MOST_COLUMNS:
            return ""
        text += " " * (column - len(text))
        begun = len(text)
        text += word.text
    return text


def _find_pitch(word: Word, width: float) -> float:
    """The distance between the characters of the word, which are so wide."""
    return (word.right - word.left - width) / (len(word.text) - 1)
