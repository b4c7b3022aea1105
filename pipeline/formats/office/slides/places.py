"""Where shapes stand on a slide, and in which order people read them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: How far neighbours may overlap and still count as apart: a share of the smaller one, and about 2 mm.
_OVERLAP, _SLACK = 0.25, 72_000
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle in EMU."""

    left: float = 0
    top: float = 0
    width: float = 0
    height: float = 0

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


def order(places: Sequence[Place]) -> list[int]:
    """The numbers of the places as they are read: rows from top to bottom, each from left to right.

    Where no line parts what is above from what is below, columns are read one after the other.
    """
    return _order(list(range(len(places))), places, 0)


def _order(numbers: list[int], places: Sequence[Place], depth: int) -> list[int]:
    if len(numbers) < 2:
        return numbers
    rows = _part(numbers, lambda at: (places[at].top, places[at].bottom))
    if len(rows) == 1 or depth > _DEEPEST:
        columns = _part(numbers, lambda at: (places[at].left, places[at].right))
        if len(columns) == 1 or depth > _DEEPEST:
            return sorted(numbers, key=lambda at: (places[at].top, places[at].left))
        rows = columns
    return [at for row in rows for at in _order(row, places, depth + 1)]


def _part(numbers: list[int], span: Callable[[int], tuple[float, float]]) -> list[list[int]]:
    """The numbers in groups that follow each other on one axis."""
    groups: list[list[int]] = []
    begin = end = smallest = 0.0
    for at in sorted(numbers, key=span):
        start, stop = span(at)
        overlap = min(min(smallest, stop - start) * _OVERLAP, _SLACK)
        if groups and (start <= end - max(overlap, 0) or start <= begin + _SLACK):
            groups[-1].append(at)
            end, smallest = max(end, stop), min(smallest, stop - start)
        else:
            groups.append([at])
            begin, end, smallest = start, stop, stop - start
    return groups
