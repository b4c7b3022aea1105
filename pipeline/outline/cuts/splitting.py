"""Large passages split where a reader would: between paragraphs, else between lines, sentences or rows of a table."""

import heapq
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum

from pipeline.contract import Document
from pipeline.markdown_text import is_table_rule, scan_lines
from pipeline.outline.cuts.passages import INSIDE_PASSAGE, Passage, trim

_SENTENCE_END = re.compile(r"(?<=[^\W\d_][.!?…])[»”\")]?\s+(?=\S)(?![a-zа-яё])|(?<=[。！？])(?=\S)")
_ENDS_SENTENCE = re.compile(r".*[.!?…:;][»”\")*_]{0,3}\s*$")
_INDENT = re.compile(r"[ \t\u00a0]{2,}\S")
#: How far from an even division a cut may lie that is better than the nearest, as a share of a part.
_TOLERANCE = 0.3


class _Place(IntEnum):
    """Where a passage may be cut, the best first."""

    PARAGRAPH = 0
    #: A line that begins a paragraph by its indent, or follows the end of a sentence.
    LINE = 1
    ANY_LINE = 2
    SENTENCE = 3
    TABLE_ROW = 4


def split_large(
    passages: Sequence[Passage], documents: Sequence[Document], target: float, *, at_least: int = 0, shortest: int
) -> list[Passage]:
    """The passages, in order, those larger than one and a half times `target` characters split into parts near it.

    Further ones are split, the largest first, until there are `at_least` so many; no part is planned below `shortest`.
    """
    counts = _count_parts(passages, target, at_least, shortest)
    result: list[Passage] = []
    for passage, count in zip(passages, counts, strict=True):
        result.extend(_split(passage, documents[passage.document].text, count) if count > 1 else [passage])
    return result


def _count_parts(passages: Sequence[Passage], target: float, at_least: int, shortest: int) -> list[int]:
    counts = [
        max(min(round(passage.size / target), passage.size // shortest), 1) if passage.size > 1.5 * target else 1
        for passage in passages
    ]
    missing = at_least - sum(counts)
    largest = [(-passage.size / count, at) for at, (passage, count) in enumerate(zip(passages, counts, strict=True))]
    heapq.heapify(largest)
    while missing > 0 and largest:
        _, at = heapq.heappop(largest)
        size = passages[at].size
        if size / (counts[at] + 1) >= shortest:
            counts[at] += 1
            missing -= 1
            heapq.heappush(largest, (-size / counts[at], at))
    return counts


def _split(passage: Passage, text: str, count: int) -> list[Passage]:
    """At most `count` parts of the passage, of about the same length; fewer when it has too few places to cut."""
    cuts = _choose_cuts(_find_cuts(text, passage.start, passage.end), passage, count)
    parts = []
    for start, end in zip([passage.start, *cuts], [*cuts, passage.end], strict=True):
        first, last = trim(text, start, end)
        if last > first:
            parts.append(replace(passage, start=first, end=last, is_part=True))
    later = [replace(part, strength=INSIDE_PASSAGE) for part in parts[1:]]
    return [parts[0], *later] if later else [passage]


def _find_cuts(text: str, start: int, end: int) -> list[list[int]]:
    """Where the passage may be cut, in order, a list for each kind of place.

    Never inside fenced code or a displayed formula, nor beside the rule between a table's head and its rows.
    """
    cuts: list[list[int]] = [[] for _ in _Place]
    before = ""
    in_formula = False
    for line in scan_lines(text, start, end):
        is_whole = not (line.before or in_formula or is_table_rule(line.text) or is_table_rule(before))
        in_formula ^= line.text.count("$$") % 2 == 1 and not line.is_code
        if line.start > start and is_whole and line.text.strip():
            is_row = line.text.count("|") > 1 and before.count("|") > 1
            if not before.strip():
                place = _Place.PARAGRAPH
            elif is_row:
                place = _Place.TABLE_ROW
            elif _INDENT.match(line.text) or _ENDS_SENTENCE.match(before):
                place = _Place.LINE
            else:
                place = _Place.ANY_LINE
            cuts[place].append(line.start)
        if not line.is_code and not in_formula:
            cuts[_Place.SENTENCE].extend(_find_sentences(line.text, line.start))
        before = line.text
    return cuts


def _find_sentences(line: str, start: int) -> Iterator[int]:
    """Yields where sentences begin within a line that is not a row of a table."""
    if not line.lstrip().startswith("|"):
        yield from (start + match.end() for match in _SENTENCE_END.finditer(line) if match.end() < len(line))


def _choose_cuts(cuts: Sequence[Sequence[int]], passage: Passage, count: int) -> list[int]:
    """At most `count` - 1 of the cuts, in order: near an even division, and there the best."""
    chosen: list[int] = []
    part = passage.size / count
    for number in range(1, count):
        wanted = passage.start + part * number
        nearest = [cut for place in cuts if (cut := _find_nearest(place, wanted, chosen[-1:])) is not None]
        if nearest:
            good = [cut for cut in nearest if abs(cut - wanted) <= _TOLERANCE * part]
            chosen.append(good[0] if good else min(nearest, key=lambda cut: abs(cut - wanted)))
    return chosen


def _find_nearest(cuts: Sequence[int], wanted: float, last: Sequence[int]) -> int | None:
    """The cut nearest to `wanted` behind the last one chosen."""
    at = bisect_left(cuts, wanted)
    near = [cut for cut in cuts[max(at - 1, 0) : at + 1] if not last or cut > last[0]]
    return min(near, key=lambda cut: abs(cut - wanted)) if near else None
