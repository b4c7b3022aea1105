"""Passages grouped twice: into sections, and within these into lessons."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.outline.cuts.passages import AFTER_OWN_INTRODUCTION, Passage
from pipeline.outline.groups.balancing import balance, count_manageable
from pipeline.outline.groups.grouping import Cost, merge_neighbours
from pipeline.outline.groups.sections import plan_sections
from pipeline.outline.limits import Limits

#: How dear it is to have text from both sides of a boundary in one lesson, by the boundary's strength.
_WEIGHTS = {0: 8.0, 1: 4.0, 2: 2.0, AFTER_OWN_INTRODUCTION: 1.0}
_OTHER_WEIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Passages, and at which of them sections and lessons begin."""

    passages: Sequence[Passage]
    section_starts: Sequence[int]
    lesson_starts: Sequence[int]

    @property
    def sections(self) -> list[Sequence[Passage]]:
        return [self.passages[start:end] for start, end in pairwise([*self.section_starts, len(self.passages)])]

    @property
    def lessons(self) -> list[Sequence[Passage]]:
        return [self.passages[start:end] for start, end in pairwise([*self.lesson_starts, len(self.passages)])]

    @property
    def section_sizes(self) -> list[int]:
        return _measure(self.passages, self.section_starts)

    @property
    def lesson_sizes(self) -> list[int]:
        return _measure(self.passages, self.lesson_starts)


def group_sections(passages: Sequence[Passage], limits: Limits, lessons: int) -> list[int]:
    """Where sections begin: at the strongest boundaries; of the weakest among them, those that make sections even."""
    depth, limit = plan_sections([passage.strength for passage in passages], limits, lessons)
    starts = [at for at, passage in enumerate(passages) if at == 0 or passage.strength <= depth]
    strengths = [passages[start].strength for start in starts]
    kept = sorted(strengths[1:])[: limit - 1]
    weakest = kept[-1] if kept else 0
    starts = [start for start in starts if start == 0 or passages[start].strength <= weakest]
    fixed_or_free = [None if passages[start].strength < weakest else 0 for start in starts]
    return _group(passages, starts, fixed_or_free, limit, lambda _, size: (size,), penalty=0)


def group_lessons(
    passages: Sequence[Passage], section_starts: Sequence[int], limit: int, penalty: float, *, smallest: int
) -> list[int]:
    """Where lessons begin: wherever sections do, and where it makes lessons even and keeps together what belongs so.

    `penalty` is the price of what is torn apart, in lessons of average size that disappear.
    """
    fixed = set(section_starts)
    return _group(
        passages,
        range(len(passages)),
        [None if at in fixed else passage.strength for at, passage in enumerate(passages)],
        limit,
        lambda strength, size: (_WEIGHTS.get(strength, _OTHER_WEIGHT) * size,),
        penalty=penalty,
        smallest=smallest,
    )


def _group(
    passages: Sequence[Passage],
    starts: Sequence[int],
    strengths: Sequence[int | None],
    limit: int,
    cost: Cost,
    *,
    penalty: float,
    smallest: int = 0,
) -> list[int]:
    """Those of `starts` where a group begins: first merged to as many as can be balanced exactly, then balanced."""
    rough = merge_neighbours(_measure(passages, starts), strengths, count_manageable(limit), cost, smallest)
    rough_starts = [starts[at] for at in rough]
    rough_strengths = [strengths[at] for at in rough]
    penalties = [None if strength is None else penalty * cost(strength, 1)[0] for strength in rough_strengths]
    return [rough_starts[at] for at in balance(_measure(passages, rough_starts), penalties, limit)]


def _measure(passages: Sequence[Passage], starts: Sequence[int]) -> list[int]:
    """The sizes of the groups that begin at `starts`."""
    return [sum(p.size for p in passages[start:end]) for start, end in pairwise([*starts, len(passages)])]
