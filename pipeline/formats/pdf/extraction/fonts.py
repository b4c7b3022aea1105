"""The fonts of a file, each looked at once."""

import ctypes
import re
from typing import Any

from pypdfium2 import raw

from pipeline.formats.pdf.lines import Font

_LONGEST_NAME = 128
_FIXED_PITCH = 1
_SUBSET = re.compile(r"^[A-Z]{6}\+")
#: Also of the fonts of TeX, in which `bx` stands for bold extended, and of those in which `medi` is the heavier weight.
_BOLD = re.compile(
    r"bold|black|heavy|demi|[-_,]bd\b|-medi(?!um)|^(?:cm|sf|ec|lh|la|tc)(?:bx|b|ss?bx|sx|bxsl|bxti)\d", re.IGNORECASE
)
_MONO = re.compile(
    r"mono(?!t)|courier|consol|typewriter|^(?:cm|sf|ec|lh)(?:tt|ttb|sltt|tcsc|itt|vtt)\d|menlo|lettergothic|fira ?code"
    r"|source ?code|inconsolata|hack-|lucidacons|txtt|beramono|nimbusmon",
    re.IGNORECASE,
)


class Fonts:
    """The fonts that the characters of a file are in."""

    def __init__(self) -> None:
        self._fonts: dict[tuple[bytes, int, int], Font] = {}

    def find(self, text: Any, at: int) -> Font:
        """The font of the character at this index of the page's text."""
        name = ctypes.create_string_buffer(_LONGEST_NAME)
        flags = ctypes.c_int()
        raw.FPDFText_GetFontInfo(text, at, name, _LONGEST_NAME, flags)
        weight = raw.FPDFText_GetFontWeight(text, at)
        key = (name.value, flags.value, weight)
        if key not in self._fonts:
            plain = _SUBSET.sub("", name.value.decode("utf-8", "replace"))
            is_mono = bool(flags.value & _FIXED_PITCH) or _MONO.search(plain) is not None
            self._fonts[key] = Font(plain, weight, _BOLD.search(plain) is not None, is_mono)
        return self._fonts[key]
