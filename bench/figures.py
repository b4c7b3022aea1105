"""What a benchmark yields: figures, each with its unit, its target where there is one, and how it was measured."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


class BenchError(Exception):
    """A benchmark could not be carried out; a figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `spread` is its least and greatest value over the rounds.

    `below` is what it should stay under; 0 says that there should be none of it.
    """

    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Figures measured together; `how` says what was done, and what the figures do not say."""

    title: str
    how: str
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Rounds, requests of a round (a multiple of 200), calls of the slot script, generations picked up one by one.
    """

    rounds: int
    requests: int
    calls: int
    pickups: int


#: A benchmark: given its size and where to tell how it goes on, it returns its sections.
Bench = Callable[[Size, Callable[[str], None]], list[Section]]

FULL = Size(rounds=5, requests=2000, calls=2000, pickups=80)
QUICK = Size(rounds=2, requests=200, calls=300, pickups=12)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values don't exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def over_rounds(name: str, values: Sequence[float], unit: str, below: float | None = None) -> Figure:
    """The median over the rounds, with their spread."""
    return Figure(name, median(values), unit, (min(values), max(values)), below)
