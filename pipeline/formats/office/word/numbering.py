"""The numbers of list items as Word shows them; they go on after other paragraphs."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.formats.office.numerals import write_mark, write_number
from pipeline.formats.office.package import Element
from pipeline.formats.office.word.names import W, number_of, value_of

_PLACE = re.compile(r"%([1-9])")
_DEEPEST = 8


@dataclass(slots=True)
class _Level:
    kind: str
    text: str
    start: int
    restart: int | None


class Numbering:
    """Counts the items of all lists of a document in their order."""

    def __init__(self, root: Element | None, find_list: Callable[[str], str | None]) -> None:
        """`find_list` gives the list that a style of lists stands for."""
        self._find_list = find_list
        self._abstract = _by_id(root, "abstractNum", "abstractNumId")
        self._lists = _by_id(root, "num", "numId")
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[str] = set()
        #: The list and the depth of paragraphs by the styles that levels of lists are linked with.
        self.styles: dict[str, tuple[str, int]] = {}
        for number in self._lists:
            for depth, level in _levels(self._abstract.get(self._abstract_id(number))).items():
                style = value_of(level, "pStyle")
                if style is not None:
                    self.styles.setdefault(style, (number, depth))

    def count(self, number: str, depth: int) -> str:
        """The mark of the next item of the list at this depth, indented; empty if there is no such list."""
        levels = self._find_levels(number)
        level = levels.get(depth)
        if level is None:
            return ""
        counts = self._counts.setdefault(self._abstract_id(number), {})
        if number not in self._begun:  # a list that starts afresh says so at its first item
            self._begun.add(number)
            for override in self._lists[number].findall(f"{W}lvlOverride"):
                start = number_of(override, "startOverride")
                if start is not None:
                    counts.pop(_depth(override), None)
        counts[depth] = counts[depth] + 1 if depth in counts else level.start
        for deeper in [at for at in counts if at > depth]:
            restart = levels[deeper].restart if deeper in levels else None
            if restart is None or (restart and depth < restart):
                del counts[deeper]
        return self._write(levels, counts, depth)

    def _write(self, levels: dict[int, _Level], counts: dict[int, int], depth: int) -> str:
        level = levels[depth]
        if level.kind == "bullet":
            return write_mark(depth)

        def show(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            if at not in levels:
                return ""
            return write_number(counts.get(at, levels[at].start), levels[at].kind)

        text = _PLACE.sub(show, level.text).strip()
        return write_mark(depth, text) if text and level.kind != "none" else ""

    def _abstract_id(self, number: str) -> str:
        return value_of(self._lists.get(number), "abstractNumId") or ""

    def _find_levels(self, number: str, depth: int = 0) -> dict[int, _Level]:
        if number not in self._lists or depth > _DEEPEST:
            return {}
        if number not in self._levels:
            abstract = self._abstract.get(self._abstract_id(number))
            link = value_of(abstract, "numStyleLink")
            linked = self._find_list(link) if link is not None else None
            if linked is not None:
                self._levels[number] = dict(self._find_levels(linked, depth + 1))
            else:
                self._levels[number] = {at: _read_level(level) for at, level in _levels(abstract).items()}
            for override in self._lists[number].findall(f"{W}lvlOverride"):
                at = _depth(override)
                changed, start = override.find(f"{W}lvl"), number_of(override, "startOverride")
                if changed is not None:
                    self._levels[number][at] = _read_level(changed)
                if start is not None and at in self._levels[number]:
                    self._levels[number][at].start = start
        return self._levels[number]


def _by_id(root: Element | None, name: str, key: str) -> dict[str, Element]:
    found = root.iter(f"{W}{name}") if root is not None else ()
    return {element.get(f"{W}{key}", ""): element for element in found}


def _levels(abstract: Element | None) -> dict[int, Element]:
    """The levels of a list by their depth."""
    found = abstract.findall(f"{W}lvl") if abstract is not None else []
    return {_depth(level, at): level for at, level in enumerate(found)}


def _depth(element: Element, usual: int = 0) -> int:
    value = element.get(f"{W}ilvl", "")
    return int(value) if value in set("012345678") else usual


def _read_level(level: Element) -> _Level:
    start = number_of(level, "start")
    text = value_of(level, "lvlText")
    return _Level(
        kind=value_of(level, "numFmt") or "decimal",
        text=f"%{_depth(level) + 1}." if text is None else text,
        start=1 if start is None else start,
        restart=number_of(level, "lvlRestart"),
    )
