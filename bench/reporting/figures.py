"""Figures of a benchmark, with units and targets, and how much is measured."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median


class BenchError(Exception):
    """A benchmark could not be carried out."""


class Verdict(Enum):
    """Whether a figure meets its target."""

    MISSED = "missed"
    MET = "met"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class Target:
    """The limit of a figure, and a better value that it aims at. Less is better unless `at_least`."""

    must: float
    reach: float | None = None
    at_least: bool = False

    def verdict(self, value: float) -> Verdict:
        if self._lead(value, self.must) < 0:
            return Verdict.MISSED
        return Verdict.REACHED if self.reach is not None and self._lead(value, self.reach) >= 0 else Verdict.MET

    def _lead(self, value: float, limit: float) -> float:
        return value - limit if self.at_least else limit - value


def below(must: float, reach: float | None = None) -> Target:
    return Target(must, reach)


def at_least(must: float, reach: float | None = None) -> Target:
    return Target(must, reach, at_least=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; if it is a median over rounds, `rounds` are its values in each."""

    name: str
    value: float
    unit: str
    target: Target | None = None
    rounds: tuple[float, ...] = ()

    def shown(self, value: float | None = None) -> str:
        """Its value, or another one, with its unit."""
        gap = "" if self.unit in ("/s", "×") else " "
        return f"{digits(self.value if value is None else value)}{gap}{self.unit}"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a line for each thing that is compared."""

    columns: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """Figures measured together; `how` describes the method. With a `grid`, that is shown in place of the figures."""

    title: str
    how: str
    figures: list[Figure]
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    """After a warm-up round that does not count."""
    requests: int
    """Of a round; a multiple of 200."""
    calls: int
    """Of the slot script."""
    pickups: int
    """Generations whose first stage is awaited, one after another."""
    staged: int
    """Generations of a round that run through all their stages."""
    killed: int
    """Generations that run when a worker is killed."""
    patience_s: float
    """Without a stage's end for so long, the rest of them count as stuck."""
    crowd: int
    """Courses, each with a finished generation, in a full database."""
    queued: int
    """How many of them also wait with a job."""
    fetches: int
    """Jobs fetched one by one, of a round."""
    moves: int
    """Steps moved by each of the clients, of a round."""
    sampled: int
    """Admissions under the profiler."""
    remembered: tuple[int, int]
    """Requests and generations between two readings of memory."""


#: A benchmark: given its size and a function that prints progress, it returns its sections.
Bench = Callable[[Size, Callable[[str], None]], list[Section]]

FULL = Size(
    rounds=5,
    requests=3000,
    calls=2000,
    pickups=80,
    staged=150,
    killed=40,
    patience_s=90.0,
    crowd=1_000_000,
    queued=100_000,
    fetches=500,
    moves=500,
    sampled=4000,
    remembered=(100_000, 2_500),
)
QUICK = Size(
    rounds=1,
    requests=200,
    calls=300,
    pickups=12,
    staged=10,
    killed=8,
    patience_s=45.0,
    crowd=5_000,
    queued=500,
    fetches=60,
    moves=50,
    sampled=300,
    remembered=(1_000, 50),
)


def digits(value: float) -> str:
    """The number in three figures or more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least `share` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def over_rounds(name: str, values: Sequence[float], unit: str, target: Target | None = None) -> Figure:
    """The median over the rounds."""
    return Figure(name, median(values), unit, target, tuple(values))


def ratio(name: str, figure: Figure, to: Figure, target: Target | None = None) -> Figure:
    """This figure divided by the other: of the medians, and in each round."""
    rounds = tuple(mine / other for mine, other in zip(figure.rounds, to.rounds, strict=True))
    return Figure(name, figure.value / to.value, "×", target, rounds)
