"""The styles of an OpenDocument file: how text looks, what is a title or code, and how lists are numbered."""

import re
from dataclasses import dataclass, replace

from pipeline.formats.office.model import Look
from pipeline.formats.office.opendocument.names import FO, STYLE, SVG, TEXT
from pipeline.formats.office.package import Element
from pipeline.formats.office.style_names import is_code, is_title

_ESCAPED = re.compile(r"_([0-9a-f]{2})_")
_BOLD = frozenset({"bold", "600", "700", "800", "900"})
_KINDS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_RUSSIAN = frozenset("аАбБ")


@dataclass(frozen=True, slots=True)
class ListLevel:
    """How the items of a list are marked: `kind` is that of the numbers, "" for bullets."""

    kind: str = ""
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1


class Styles:
    """The styles of both parts by their names."""

    def __init__(self, *roots: Element | None) -> None:
        self._styles: dict[tuple[str, str], Element] = {}
        self._lists: dict[str, dict[int, ListLevel]] = {}
        self._looks: dict[tuple[str, str], Look] = {}
        self._fonts: dict[str, str] = {}
        for root in roots:
            for found in root.iter() if root is not None else ():
                name = found.get(f"{STYLE}name", "")
                if found.tag == f"{STYLE}style":
                    self._styles.setdefault((found.get(f"{STYLE}family", ""), name), found)
                elif found.tag == f"{STYLE}font-face":
                    self._fonts.setdefault(name, f"{name} {found.get(f'{SVG}font-family', '')}")
                elif found.tag == f"{TEXT}list-style":
                    self._lists.setdefault(name, _read_levels(found))

    def find_look(self, family: str, style: str, look: Look) -> Look:
        """`look` changed by the style."""
        for element in reversed(self._chain(family, style)):
            properties = element.find(f"{STYLE}text-properties")
            if properties is not None:
                look = self._change(look, properties)
        return look

    def is_title(self, style: str) -> bool:
        return any(is_title(name) for name in self._names(style))

    def is_code(self, style: str) -> bool:
        return any(is_code(name) for name in self._names(style))

    def find_list_level(self, style: str, depth: int) -> ListLevel:
        return self._lists.get(style, {}).get(depth, ListLevel())

    def find_outline_level(self, style: str) -> int | None:
        for element in self._chain("paragraph", style):
            level = element.get(f"{STYLE}default-outline-level", "")
            if level.isdecimal():
                return int(level) or None
        return None

    def _change(self, look: Look, properties: Element) -> Look:
        weight = properties.get(f"{FO}font-weight")
        display = properties.get(f"{TEXT}display")
        font = properties.get(f"{STYLE}font-name") or properties.get(f"{FO}font-family")
        position = properties.get(f"{STYLE}text-position")
        return replace(
            look,
            is_bold=look.is_bold if weight is None else weight in _BOLD,
            is_hidden=look.is_hidden if display is None else display == "none",
            font=look.font if font is None else self._fonts.get(font, font),
            script=look.script if position is None else _read_position(position),
        )

    def _chain(self, family: str, style: str) -> list[Element]:
        """The style and those it is based on."""
        chain: list[Element] = []
        while (family, style) in self._styles and self._styles[family, style] not in chain:
            chain.append(self._styles[family, style])
            style = chain[-1].get(f"{STYLE}parent-style-name", "")
        return chain

    def _names(self, style: str) -> list[str]:
        """The names of the style and of those it is based on, as people see them."""
        chain = self._chain("paragraph", style)
        names = [found.get(f"{STYLE}display-name", found.get(f"{STYLE}name", "")) for found in chain]
        parents = [found.get(f"{STYLE}parent-style-name", "") for found in chain]
        return [_ESCAPED.sub(lambda code: chr(int(code[1], 16)), name) for name in (*names, *parents, style)]


def _read_position(position: str) -> int:
    place, _, _ = position.strip().partition(" ")
    if place in {"super", "sub"}:
        return 1 if place == "super" else -1
    share = place.removesuffix("%")
    return (float(share) > 0) - (float(share) < 0) if re.fullmatch(r"-?\d{1,3}(?:\.\d+)?", share) else 0


def _read_levels(style: Element) -> dict[int, ListLevel]:
    levels = {}
    for found in style:
        depth = found.get(f"{TEXT}level", "")
        if not depth.isdecimal():
            continue
        if found.tag == f"{TEXT}list-level-style-number":
            form, start = found.get(f"{STYLE}num-format", ""), found.get(f"{TEXT}start-value", "1")
            shown = found.get(f"{TEXT}display-levels", "1")
            kind = "russianLower" if form[:1] in _RUSSIAN else _KINDS.get(form[:1], "decimal" if form else "none")
            levels[int(depth)] = ListLevel(
                kind,
                found.get(f"{STYLE}num-prefix", ""),
                found.get(f"{STYLE}num-suffix", ""),
                int(start) if start.isdecimal() else 1,
                int(shown) if shown.isdecimal() else 1,
            )
        else:
            levels[int(depth)] = ListLevel()
    return levels
