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
    r"bold|black|heavy|demi|[-_,]bd\b|-medi(?!um)|\.bi?$|^(?:cm|sf|ec|lh|la|tc)(?:bx|b|ss?bx|sx|bxsl|bxti)\d",
    re.IGNORECASE,
)
_MONO = re.compile(
    r"mono(?!t)|courier|consol|typewriter|^(?:cm|sf|ec|lh)(?:tt|ttb|sltt|tcsc|itt|vtt)\d|menlo|lettergothic|fira ?code"
    r"|source ?code|inconsolata|hack-|lucidacons|txtt|beramono|nimbusmon",
    re.IGNORECASE,
)


class Fonts:
    """The fonts that the characters of a file are in."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, int, int], Font] = {}
        self._fonts: dict[tuple[str, int, int], Font] = {}
        self._name = ctypes.create_string_buffer(_LONGEST_NAME)
        self._flags = ctypes.c_int()

    def find(self, text: Any, at: int) -> Font:
        """The font of the character at this index of the page's text; parts of one font are one."""
        self._name[0] = b"\0"
        raw.FPDFText_GetFontInfo(text, at, self._name, _LONGEST_NAME, self._flags)
        key = (self._name.value, self._flags.value, raw.FPDFText_GetFontWeight(text, at))
        if key not in self._found:
            name = _SUBSET.sub("", key[0].decode("utf-8", "replace"))
            made = Font(name, key[2], says_bold(name), bool(key[1] & _FIXED_PITCH) or says_mono(name))
            self._found[key] = self._fonts.setdefault((name, *key[1:]), made)
        return self._found[key]


def says_bold(name: str) -> bool:
    return _BOLD.search(name) is not None


def says_mono(name: str) -> bool:
    """True when the name is that of a font of fixed pitch."""
    return _MONO.search(name) is not None
