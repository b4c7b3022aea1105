"""Large passages split at paragraph ends."""

import heapq
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from pipeline.contract import Document
from pipeline.markdown_text import scan_lines
from pipeline.outline.passages import INSIDE_PASSAGE, Passage, trim

#: No part is planned shorter than this many characters.
SHORTEST_PART = 800
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=\S)")


def split_large(passages: Sequence[Passage], documents: Sequence[Document], limit: int, target: float) -> list[Passage]:
    """The passages, in order, those much larger than `target` characters split into parts near it.

    Up to `limit` passages in all, half as much again is large; beyond, only three times as much. What is split is split
    into parts hardly longer than `target`.
    """
    counts = _count_parts(passages, limit, target)
    result: list[Passage] = []
    for passage, count in zip(passages, counts, strict=True):
        result.extend(_split(passage, documents[passage.document].text, count) if count > 1 else [passage])
    return result


def _count_parts(passages: Sequence[Passage], limit: int, target: float) -> list[int]:
    counts = [1] * len(passages)
    total = len(passages)
    largest: list[tuple[float, int]] = [(-passage.size, number) for number, passage in enumerate(passages)]
    heapq.heapify(largest)
    while largest:
        size, number = -largest[0][0], largest[0][1]
        if size <= target or (total >= limit and size <= 3 * target):
            break
        heapq.heappop(largest)
        whole = passages[number].size
        is_large = counts[number] > 1 or whole > 1.5 * target
        if is_large and whole / (counts[number] + 1) >= SHORTEST_PART:
            counts[number] += 1
            total += 1
            heapq.heappush(largest, (-whole / counts[number], number))
    return counts


def _split(passage: Passage, text: str, count: int) -> list[Passage]:
    """At most `count` parts of the passage, of about the same length; fewer when it has too few places to cut."""
    cuts = _choose_cuts(_find_cuts(text, passage.start, passage.end, count), passage, count)
    parts = []
    for start, end in zip([passage.start, *cuts], [*cuts, passage.end], strict=True):
        first, last = trim(text, start, end)
        if last > first:
            parts.append(replace(passage, start=first, end=last, is_part=True))
    later = [replace(part, strength=INSIDE_PASSAGE) for part in parts[1:]]
    return [parts[0], *later] if later else [passage]


def _find_cuts(text: str, start: int, end: int, count: int) -> list[int]:
    """Where the passage may be cut: at paragraph ends; too few of them, at line ends; then at sentence ends.

    Never inside fenced code.
    """
    paragraphs: list[int] = []
    lines: list[int] = []
    was_blank = has_code = False
    for line in scan_lines(text, start, end):
        is_blank = not line.text.strip()
        has_code = has_code or line.is_code
        if line.start > start and not is_blank and not line.before:
            lines.append(line.start)
            if was_blank:
                paragraphs.append(line.start)
        was_blank = is_blank
    if len(paragraphs) + 1 >= count:
        return paragraphs
    if len(lines) + 1 >= count or has_code:
        return lines
    return [match.end() for match in _SENTENCE_END.finditer(text, start, end)] or lines


def _choose_cuts(cuts: Sequence[int], passage: Passage, count: int) -> list[int]:
    """Those of `cuts` nearest to dividing the passage evenly, in order, each once."""
    chosen: list[int] = []
    for number in range(1, count):
        wanted = passage.start + passage.size * number // count
        at = bisect_left(cuts, wanted)
        near = [cut for cut in cuts[max(at - 1, 0) : at + 1] if not chosen or cut > chosen[-1]]
        if near:
            chosen.append(min(near, key=lambda cut: abs(cut - wanted)))
    return chosen
