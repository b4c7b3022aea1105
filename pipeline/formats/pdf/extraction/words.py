"""The words of a page: their characters, places and fonts, as PDFium has them."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pypdfium2
from pypdfium2 import raw

from pipeline.formats.pdf.extraction.fonts import Fonts
from pipeline.formats.pdf.lines import Font

#: PDFium's marks for a hyphen at the end of a line.
_HYPHENS = frozenset({0x02, 0xFFFE, 0xAD})
_LINE_ENDS = frozenset({0x0A, 0x0D})
#: Bullets of symbol fonts, which have no Unicode character of their own.
_SYMBOL_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF06C, 0xF06E, 0xF076, 0xF0A8), 0x2022)
#: Coordinates beyond this, in points, are errors.
_FARTHEST = 50_000.0


@dataclass(slots=True)
class Word:
    """Characters in one font without a space; its place is measured along its line."""

    text: str
    size: float
    font: Font
    turns: int  # quarters, against the clock
    left: float
    right: float
    bottom: float
    top: float
    baseline: float
    is_spaced: bool  # a space stands before it


@dataclass(slots=True)
class Stretch:
    """Words that PDFium holds for one line, or for a part of it."""

    words: list[Word]
    is_hyphenated: bool


@dataclass(frozen=True, slots=True)
class _Style:
    """What all characters of a text object have in common."""

    size: float
    font: Font
    turns: int


class PageText:
    """Reads the characters of one page; `fonts` are those of the whole file."""

    def __init__(self, page: pypdfium2.PdfPage, fonts: Fonts) -> None:
        self._page = page.get_textpage()
        self._text: Any = self._page.raw
        self._fonts = fonts
        self._styles: dict[int, _Style] = {}
        self._codes: list[int] = []

    def close(self) -> None:
        self._page.close()

    def read(self) -> Iterator[Stretch]:
        """Yields the stretches in the order they were written in."""
        get, text = raw.FPDFText_GetUnicode, self._text
        self._codes = [get(text, at) for at in range(raw.FPDFText_CountChars(text))]
        start = 0
        for at, code in enumerate([*self._codes, 0x0A]):
            if code in _LINE_ENDS or code in _HYPHENS:
                words = list(self._read_words(start, at))
                if words:
                    yield Stretch(words, code in _HYPHENS)
                start = at + 1

    def _read_words(self, start: int, end: int) -> Iterator[Word]:
        """Yields the words among these characters, and the parts of words in which the font changes."""
        spans = list(self._find_spans(start, end))
        if not spans:
            return
        # One text object often has written the whole line.
        first, last = self._find_object(spans[0][0]), self._find_object(spans[-1][1] - 1)
        for first_at, end_at in spans:
            runs = [(first, first_at, end_at)] if first == last else self._find_runs(first_at, end_at)
            is_spaced = first_at > spans[0][0]
            for key, run_start, run_end in runs:
                text = decode(self._codes[run_start:run_end])
                if text:
                    yield self._measure(text, key, run_start, run_end, is_spaced=is_spaced)
                    is_spaced = False

    def _find_spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yields where the stretches without a space begin and end."""
        codes = self._codes
        for is_space, group in groupby(range(start, end), key=lambda at: chr(codes[at]).isspace()):
            if not is_space:
                places = list(group)
                yield places[0], places[-1] + 1

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
            matrix = raw.FS_MATRIX(1, 0, 0, 1, 0, 0)
            raw.FPDFText_GetMatrix(self._text, at, matrix)
            scale = _limit((matrix.c**2 + matrix.d**2) ** 0.5) or 1.0
            size = round(_limit(raw.FPDFText_GetFontSize(self._text, at) * scale), 1)
            turns = (0 if matrix.a >= 0 else 2) if abs(matrix.a) >= abs(matrix.b) else (1 if matrix.b > 0 else 3)
            self._styles[key] = _Style(abs(size), self._fonts.find(self._text, at), turns)
        return key

    def _measure(self, text: str, key: int, start: int, end: int, *, is_spaced: bool) -> Word:
        style = self._styles[key]
        first, last = raw.FS_RECTF(), raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self._text, start, first)
        raw.FPDFText_GetLooseCharBox(self._text, end - 1, last)
        x, y = ctypes.c_double(), ctypes.c_double()
        raw.FPDFText_GetCharOrigin(self._text, start, x, y)
        corners = [
            turn(_limit(across), _limit(up), style.turns)
            for box in (first, last)
            for across, up in ((box.left, box.bottom), (box.right, box.top))
        ]
        return Word(
            text,
            style.size,
            style.font,
            style.turns,
            min(across for across, _ in corners),
            max(across for across, _ in corners),
            min(up for _, up in corners),
            max(up for _, up in corners),
            turn(_limit(x.value), _limit(y.value), style.turns)[1],
            is_spaced,
        )


def turn(across: float, up: float, turns: int) -> tuple[float, float]:
    """The point as seen by who reads text that is turned so."""
    return ((across, up), (up, -across), (-across, -up), (-up, across))[turns]


def decode(codes: Sequence[int]) -> str:
    """The characters; halves of surrogate pairs joined, what is no character left out."""
    joined = (
        "".join([chr(_SYMBOL_BULLETS.get(code, code)) for code in codes])
        .encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "ignore")
    )
    return joined if joined.isprintable() else "".join(filter(str.isprintable, joined))


def _limit(value: float) -> float:
    """`value` if it can be a coordinate or size, else one at the edge, or zero."""
    return max(-_FARTHEST, min(_FARTHEST, value)) if value == value else 0.0  # noqa: PLR0124 - NaN is not itself
