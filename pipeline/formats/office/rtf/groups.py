"""The state of a group in RTF, and the tables at the head of a file."""

import codecs
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.formats.office.rtf.tokens import CHARSETS, SYMBOL_CHARSET

_USUAL_CODEC = "cp1252"
_CODEPAGES = {10000: "mac_roman", 10007: "mac_cyrillic", 65001: "utf-8"}


@dataclass(slots=True)
class Font:
    name: str = ""
    charset: int = 1


@dataclass(slots=True)
class Style:
    name: str = ""
    outline: int | None = None


@dataclass(slots=True)
class Group:
    """What holds in a group: where its text goes, and how it looks; `resumed` is where it went before."""

    target: str = "text"
    resumed: str = "text"
    font: int = 0
    is_bold: bool = False
    is_hidden: bool = False
    script: int = 0
    unicode_width: int = 1


@dataclass(slots=True)
class ParagraphState:
    """What holds for a paragraph until `\\pard`."""

    style: int = 0
    outline: int | None = None
    depth: int = 0
    nesting: int = 0


@dataclass(slots=True)
class Head:
    """Fonts and styles by their numbers, the codec of the file, and its title."""

    codec: str = _USUAL_CODEC
    default_font: int = 0
    fonts: dict[int, Font] = field(default_factory=dict)
    styles: dict[int, Style] = field(default_factory=dict)
    title: str = ""

    def set_codepage(self, number: int | None) -> None:
        """Text without a font of its own character set is in this one, if it is known."""
        name = _CODEPAGES.get(number or 0, f"cp{number}")
        with suppress(LookupError):
            self.codec = codecs.lookup(name).name

    def find_codec(self, font: int) -> str:
        charset = self.fonts[font].charset if font in self.fonts else 1
        return CHARSETS.get(charset, self.codec)

    def is_symbol(self, font: int) -> bool:
        return font in self.fonts and self.fonts[font].charset == SYMBOL_CHARSET
