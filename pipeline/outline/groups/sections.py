"""How deep the headings are that begin sections, and how many sections there may be."""

from collections.abc import Sequence

from pipeline.outline.cuts.passages import AFTER_OWN_INTRODUCTION
from pipeline.outline.limits import Limits

#: Without an estimate: fewer sections than this are worth a deeper look; a section has this many lessons on average.
_FEW_SECTIONS = 3
_FEWEST_LESSONS = 1.5
#: Up to this many documents are sections as they are.
_MOST_DOCUMENTS = 20
#: Up to this many lessons go together without sections; more of them are put into sections of about this length.
_MOST_LESSONS_IN_ONE, _LESSONS_PER_SECTION = 12, 4


def plan_sections(strengths: Sequence[int], limits: Limits, lessons: int) -> tuple[int, int]:
    """The strength down to which boundaries between passages may part sections, and the number of sections at most.

    `strengths` are those of the boundaries before each passage; there will be `lessons` at most.
    """
    ordered = sorted(strengths[1:])
    counts = {0: 1} | {strength: number for number, strength in enumerate(ordered, start=2)}
    most = min(limits.sections, lessons)
    if limits.sections_are_estimated:
        return _reach_estimate(counts, most), most
    lessons = min(len(strengths), lessons)
    if most < counts[0] <= _MOST_DOCUMENTS and counts[0] * _FEWEST_LESSONS <= lessons:
        return 0, counts[0]
    return _follow_headings(counts, lessons, most)


def _reach_estimate(counts: dict[int, int], estimate: int) -> int:
    """As deep as it takes to reach the estimate; below headings only when these leave two or more sections missing."""
    headings = [depth for depth in counts if depth < AFTER_OWN_INTRODUCTION]
    enough = (depth for depth in headings if counts[depth] >= estimate)
    if (deep := next(enough, None)) is not None:
        return deep
    return next((depth for depth in (headings[-1], *counts) if counts[depth] >= estimate - 1), max(counts))


def _follow_headings(counts: dict[int, int], lessons: int, limit: int) -> tuple[int, int]:
    """The first depth that gives a few sections with lessons of their own; a long row of equals is cut evenly."""
    best = 0
    for depth, count in counts.items():
        if depth >= AFTER_OWN_INTRODUCTION:
            break
        if count > limit or count * _FEWEST_LESSONS > lessons:
            if counts[best] < _FEW_SECTIONS and lessons > _MOST_LESSONS_IN_ONE:
                return depth, min(limit, lessons // _LESSONS_PER_SECTION)
            break
        best = depth
        if count >= _FEW_SECTIONS:
            break
    return best, limit
