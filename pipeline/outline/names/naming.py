"""Names for groups of passages, from the headings they contain."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.language import Phrases
from pipeline.outline.cuts.passages import Passage, Topic
from pipeline.outline.names.furniture import Worth
from pipeline.outline.names.titles import is_only_number

#: The share of a group's text from which its first topic, and any other, is what the group is about.
_MOST, _NEARLY_ALL = 0.6, 0.8


@dataclass(frozen=True, slots=True)
class _Share:
    """A topic, whole or a part of it, and how much of a group's text it is."""

    topic: int
    is_whole: bool
    size: int


def name_groups(
    topics: Sequence[Topic],
    groups: Sequence[Sequence[Passage]],
    whole: str,
    phrases: Phrases,
    *,
    without_numbers: bool = False,
) -> list[tuple[str, bool]]:
    """One name per group, never empty, and whether it has other topics: a heading of those that lie in it whole.

    It is the one that has most of the text; else the first that is worth a name and names no group before. A group with
    only a part of a heading's text is named after it, with the number of the part; one with only the text before the
    first heading is an introduction. A single group of many documents is `whole`. On request none is called after a
    mere number that has headings below it.
    """
    if len(groups) == 1 and whole and sum(topic.depth == 0 for topic in topics) > 1:
        return [(whole, False)]
    starts = [(topic.document, topic.start) for topic in topics]
    taken: set[str] = set()
    shares = []
    for group in groups:
        share, has_others = _choose(topics, _find_covered(topics, starts, group), group, taken)
        shares.append((share, has_others))
        taken |= {topics[share.topic].title.casefold()} if share else set()
    parts = Counter(share.topic for share, _ in shares if share and not share.is_whole)
    numbers: Counter[int] = Counter()
    result = []
    for (share, has_others), group in zip(shares, groups, strict=True):
        if share is None:
            result.append((_name_introduction(topics, topics[group[0].topic], phrases), False))
            continue
        title = _find_title(topics, share.topic) if without_numbers else topics[share.topic].title
        if not share.is_whole and parts[share.topic] > 1:
            numbers[share.topic] += 1
            title = f"{title} ({phrases.part.format(number=numbers[share.topic])})"
        result.append((title, has_others))
    return result


def _find_title(topics: Sequence[Topic], at: int) -> str:
    """The topic's title; if that is only a number, the first good one below it."""
    topic = topics[at]
    if not is_only_number(topic.title):
        return topic.title
    below = (
        other for other in islice(topics, at + 1, None) if (other.document, other.start) < (topic.document, topic.end)
    )
    return next((other.title for other in below if other.worth is Worth.GOOD), topic.title)


def _name_introduction(topics: Sequence[Topic], topic: Topic, phrases: Phrases) -> str:
    if topic.depth == 0 and topic.worth is Worth.GOOD:
        return f"{phrases.introduction}: {topic.title}"
    document = next(top.title for top in topics if top.document == topic.document)
    return document if topic.worth is Worth.NONE else topic.title


def _choose(
    topics: Sequence[Topic], covered: Sequence[_Share], group: Sequence[Passage], taken: Collection[str]
) -> tuple[_Share | None, bool]:
    """The topic that names the group, and whether the name should say that there are others."""
    best = min((topics[share.topic].worth for share in covered), default=Worth.NONE)
    if best is Worth.NONE:
        return None, False
    named = [share for share in covered if topics[share.topic].worth is best]
    most = max(named, key=lambda share: share.size)
    total = sum(passage.size for passage in group)
    if most.size > (_MOST if most is named[0] else _NEARLY_ALL) * total:
        return most, False
    whole = [share for share in named if share.is_whole] or named
    is_new = (share for share in whole if topics[share.topic].title.casefold() not in taken)
    return next(is_new, whole[0]), len(covered) > 1


def _find_covered(topics: Sequence[Topic], starts: Sequence[tuple[int, int]], group: Sequence[Passage]) -> list[_Share]:
    """The topics the group is about, in order: those whole in it, and those it has a split part of."""
    ends = {passage.document: passage.end for passage in group}
    shares: list[_Share] = []
    covered = (-1, 0)
    for passage in group:
        at = bisect_left(starts, (passage.document, passage.start))
        while at < len(topics) and starts[at] < (passage.document, passage.end):
            topic = topics[at]
            if topic.end <= ends[passage.document] and starts[at] >= covered:
                shares.append(_Share(at, True, topic.end - topic.start))
                covered = (passage.document, topic.end)
            at += 1
        if passage.is_part and (passage.document, passage.start) >= covered:
            if shares and shares[-1].topic == passage.topic and not shares[-1].is_whole:
                shares[-1] = _Share(passage.topic, False, shares[-1].size + passage.size)
            else:
                shares.append(_Share(passage.topic, False, passage.size))
    return shares
