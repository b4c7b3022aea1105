"""The words of a page: their characters, places and fonts, as PDFium has them."""

import ctypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import copysign, isnan
from typing import Any

import pypdfium2
from pypdfium2 import raw

from pipeline.formats.pdf.extraction.fonts import Fonts
from pipeline.formats.pdf.lines import Font

#: Ends of lines, and PDFium's marks for a hyphen at the end of a line.
_LINE_END = re.compile("[\n\r\x02\ufffe\xad]")
_SOFT_HYPHEN = "\xad"
_WORD = re.compile(r"\S+")
#: Bullets of symbol fonts, which have no Unicode character of their own.
_SYMBOL_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF06C, 0xF06E, 0xF076, 0xF0A8), 0x2022)
#: Coordinates beyond this, in points, are errors.
_FARTHEST = 50_000.0


@dataclass(frozen=True, slots=True)
class Style:
    """What all characters of a text object have in common; heights are measured across their line."""

    size: float
    font: Font
    turns: int  # quarters, against the clock
    bottom: float
    top: float
    baseline: float
    tag: int


@dataclass(slots=True)
class Word:
    """Characters of one text object without a space; its place is measured along its line."""

    text: str
    style: Style
    left: float
    right: float
    is_spaced: bool  # a space stands before it


@dataclass(slots=True)
class Stretch:
    """Words that PDFium holds for one line, or for a part of it."""

    words: list[Word]
    is_hyphenated: bool


class PageText:
    """Reads the characters of one page; `fonts` are those of the whole file, `kinds` the tags of marked contents."""

    def __init__(self, page: pypdfium2.PdfPage, fonts: Fonts, kinds: Mapping[int, int]) -> None:
        self._page = page.get_textpage()
        self._text: Any = self._page.raw
        self._fonts = fonts
        self._kinds = kinds
        self._styles: dict[int, Style] = {}
        self._characters = ""
        self._box = raw.FS_RECTF()
        self._matrix = raw.FS_MATRIX()

    def close(self) -> None:
        self._page.close()

    def read(self) -> Iterator[Stretch]:
        """Yields the stretches in the order they were written in."""
        self._characters = self._read_characters().translate(_SYMBOL_BULLETS)
        start = 0
        for found in _LINE_END.finditer(self._characters + "\n"):
            is_hyphen = found[0] not in "\r\n"
            if is_hyphen and not raw.FPDFText_IsHyphen(self._text, found.start()) and found[0] != _SOFT_HYPHEN:
                continue  # a character without a meaning
            words = list(self._read_words(start, found.start()))
            if words:
                yield Stretch(words, is_hyphen)
            start = found.end()

    def _read_characters(self) -> str:
        """The characters by their indexes; one call gives them all if none is without a character of Unicode."""
        count = raw.FPDFText_CountChars(self._text)
        units = (ctypes.c_ushort * (count + 1))()
        if raw.FPDFText_GetText(self._text, 0, count, units) == count + 1:
            return "".join(map(chr, units[:count]))
        return "".join(chr(min(raw.FPDFText_GetUnicode(self._text, at), 0x10FFFF)) for at in range(count))

    def _read_words(self, start: int, end: int) -> Iterator[Word]:
        """Yields the words among these characters, and the parts of words in which the font changes."""
        spans = [found.span() for found in _WORD.finditer(self._characters, start, end)]
        if not spans:
            return
        # One text object often has written the whole line.
        first, last = self._find_object(spans[0][0]), self._find_object(spans[-1][1] - 1)
        for span in spans:
            is_spaced = span[0] > spans[0][0]
            for key, run_start, run_end in [(first, *span)] if first == last else self._find_runs(*span):
                text = decode(self._characters[run_start:run_end])
                if text:
                    style = self._styles[key]
                    left, right = self._find_edges(run_start, run_end, style.turns)
                    yield Word(text, style, left, right, is_spaced)
                    is_spaced = False

    def _find_runs(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """The text objects that wrote these characters, each with the first of its characters and their end."""
        first, last = self._find_object(start), self._find_object(end - 1)
        if first == last or end - start < 2:
            return [(first, start, end)]
        if end - start == 2:
            return [(first, start, start + 1), (last, start + 1, end)]
        middle = (start + end) // 2
        left, right = self._find_runs(start, middle), self._find_runs(middle, end)
        if left[-1][0] == right[0][0]:
            right[0] = (right[0][0], left.pop()[1], right[0][2])
        return left + right

    def _find_object(self, at: int) -> int:
        """A number that is the same for all characters of one text object."""
        found = raw.FPDFText_GetTextObject(self._text, at)
        key = ctypes.addressof(found.contents) if found else 0
        if key not in self._styles:
            self._styles[key] = self._measure(at, found)
        return key

    def _measure(self, at: int, written_by: Any) -> Style:
        matrix, box = self._matrix, self._box
        matrix.a, matrix.b, matrix.c, matrix.d = 1, 0, 0, 1
        raw.FPDFText_GetMatrix(self._text, at, matrix)
        raw.FPDFText_GetLooseCharBox(self._text, at, box)
        size = raw.FPDFText_GetFontSize(self._text, at) * ((matrix.c**2 + matrix.d**2) ** 0.5 or 1.0)
        bottom, top, baseline = box.bottom, box.top, matrix.f
        turns = 0
        if not matrix.a > abs(matrix.b):
            turns = 2 if abs(matrix.a) >= abs(matrix.b) else 1 if matrix.b > 0 else 3
            (_, bottom), (_, top) = self._turn_box(turns)
            _, baseline = turn(matrix.e, matrix.f, turns)
        tag = self._kinds.get(raw.FPDFPageObj_GetMarkedContentID(written_by), 0) if self._kinds and written_by else 0
        font = self._fonts.find(self._text, at)
        return Style(abs(round(_limit(size), 1)), font, turns, _limit(bottom), _limit(top), _limit(baseline), tag)

    def _find_edges(self, start: int, end: int, turns: int) -> tuple[float, float]:
        """Where the first of the characters begins and the last one ends."""
        raw.FPDFText_GetLooseCharBox(self._text, start, self._box)
        (left, _), (right, _) = self._turn_box(turns)
        if end - start > 1:
            raw.FPDFText_GetLooseCharBox(self._text, end - 1, self._box)
            (other_left, _), (other_right, _) = self._turn_box(turns)
            left, right = min(left, other_left), max(right, other_right)
        return _limit(left), _limit(right)

    def _turn_box(self, turns: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """The lower left and upper right corners of the box, as seen by who reads text that is turned so."""
        box = self._box
        if not turns:
            return (box.left, box.bottom), (box.right, box.top)
        (x1, y1), (x2, y2) = turn(box.left, box.bottom, turns), turn(box.right, box.top, turns)
        return (min(x1, x2), min(y1, y2)), (max(x1, x2), max(y1, y2))


def turn(across: float, up: float, turns: int) -> tuple[float, float]:
    """The point as seen by who reads text that is turned so."""
    return ((across, up), (up, -across), (-across, -up), (-up, across))[turns]


def decode(characters: str) -> str:
    """The characters without those that are none; halves of surrogate pairs joined."""
    if characters.isprintable():
        return characters
    joined = characters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return "".join(filter(str.isprintable, joined))


def _limit(value: float) -> float:
    """`value` if it can be a coordinate or size, else one at the edge, or zero."""
    if -_FARTHEST < value < _FARTHEST:
        return value
    return 0.0 if isnan(value) else copysign(_FARTHEST, value)
