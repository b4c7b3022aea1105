"""Names for groups of passages, from the headings they contain."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from pipeline.language import Phrases
from pipeline.outline.passages import Passage, Topic
from pipeline.outline.titles import join_titles


def name_groups(
    topics: Sequence[Topic], groups: Sequence[Sequence[Passage]], whole: str, phrases: Phrases
) -> list[str]:
    """One name per group: the headings that lie in it whole, none of them below another; never empty.

    A group with only a part of a heading's text is named after it, with the number of the part;
    one with only the text before the first sub-heading is an introduction. A single group of many documents is `whole`.
    """
    if len(groups) == 1 and whole and sum(topic.depth == 0 for topic in topics) > 1:
        return [whole]
    starts = [(topic.document, topic.start) for topic in topics]
    covered = [_find_covered(topics, starts, group) for group in groups]
    parts = Counter(names[0][0] for names in covered if _is_part(names))
    numbers: Counter[int] = Counter()
    result = []
    for names, group in zip(covered, groups, strict=True):
        if not names:
            result.append(f"{phrases.introduction}: {topics[group[0].topic].title}")
            continue
        title = join_titles([topics[topic].title for topic, _ in names], phrases)
        if _is_part(names) and parts[names[0][0]] > 1:
            numbers[names[0][0]] += 1
            title = f"{title} ({phrases.part.format(number=numbers[names[0][0]])})"
        result.append(title)
    return result


def _is_part(names: Sequence[tuple[int, bool]]) -> bool:
    return len(names) == 1 and not names[0][1]


def _find_covered(
    topics: Sequence[Topic], starts: Sequence[tuple[int, int]], group: Sequence[Passage]
) -> list[tuple[int, bool]]:
    """The topics the group is about, in order: those whole in it (True), and those it has a split part of (False)."""
    ends = {passage.document: passage.end for passage in group}
    names: list[tuple[int, bool]] = []
    covered = (-1, 0)
    for passage in group:
        at = bisect_left(starts, (passage.document, passage.start))
        while at < len(topics) and starts[at] < (passage.document, passage.end):
            if topics[at].end <= ends[passage.document] and starts[at] >= covered:
                names.append((at, True))
                covered = (passage.document, topics[at].end)
            at += 1
        is_new = (passage.document, passage.start) >= covered and (passage.topic, False) not in names[-1:]
        if passage.is_part and is_new:
            names.append((passage.topic, False))
    return names
