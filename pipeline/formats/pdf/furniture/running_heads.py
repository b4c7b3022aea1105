"""What repeats at the same place near the edge of pages is dropped, and numbers of pages are."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.formats.pdf.lines import LARGER, Body, Line, find_body
from pipeline.formats.plain_text import find_chapter_level

#: A line that comes on so many pages at the same place is a running head; of fewer, if it is small or numbered.
_REPEATED_ON = 3
_LONGEST_HEAD = 200
_SMALLER = 0.95
#: So many lines from either edge of a page may be running heads, and their places differ by so many points.
_EDGE_LINES = 3
_SAME_PLACE = 4.0
#: A head in a font larger than the text's is on so many pages: else it may be a title that comes again.
_LARGE_ON, _LEAST_LARGE = 0.6, 4
#: The place of heads that change is taken on so many pages, and has so many heights of its font below or above it.
_SLOT_ON, _SLOT_GAP = 0.5, 1.9

#: A line so far from the next, in heights of its font, is apart from the text.
_APART = 1.5

_DIGITS = re.compile(r"\d+")
_CHAPTER = re.compile(r"\D*\d+(?:\.\d+)*")
_PAGE_NUMBER = re.compile(
    r"(?:стр(?:аница|\.)?|с\.|page|p\.)?\s*[-–—\[(|]?\s*(\d{1,4})\s*[-–—\])|]?\s*(?:(?:/|из|of)\s*\d{1,4})?",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"[ivxlc]{1,7}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A line near an edge of its page."""

    page: int
    at: int
    line: Line
    is_top: bool
    gap: float  # to the next line inwards, in heights of the font
    is_unlike: bool  # that line, which is in another font

    @property
    def pattern(self) -> str:
        """The text with a sign for each number but that of a chapter: another chapter's name is another heading."""
        text = self.line.text.casefold()
        chapter = _CHAPTER.match(text)
        kept = chapter.end() if chapter and find_chapter_level(self.line.text) else 0
        return text[:kept] + _DIGITS.sub("#", text[kept:])


def drop_running_heads(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without the lines near their edges that are heads, feet and numbers of pages."""
    body = find_body(line for page in pages for line in page)
    candidates = [found for number, page in enumerate(pages) for found in _find_candidates(number, page)]
    suspected = {
        (found.page, found.at)
        for find in (_find_repeated, _find_page_numbers, _find_slots)
        for found in find(candidates, len(pages), body)
    }
    dropped = {place for edge in _group_edges(candidates) for place in _take_outermost(edge, suspected)}
    return [[line for at, line in enumerate(page) if (number, at) not in dropped] for number, page in enumerate(pages)]


def _find_candidates(number: int, page: Sequence[Line]) -> Iterator[_Candidate]:
    """Yields the lines nearest to the upper and the lower edge."""
    order = sorted((at for at in range(len(page)) if not page[at].is_turned), key=lambda at: page[at].bottom)
    for is_top, edge in ((False, order[: _EDGE_LINES + 1]), (True, order[: -_EDGE_LINES - 2 : -1])):
        for place, at in enumerate(edge[:_EDGE_LINES]):
            line = page[at]
            if len(line.text) > _LONGEST_HEAD:
                break
            inner = next(
                (page[other] for other in edge[place + 1 :] if abs(page[other].bottom - line.bottom) > 2), None
            )
            gap = abs(line.bottom - inner.bottom) / max(line.size, 1.0) if inner else 99.0
            is_unlike = inner is None or abs(inner.size - line.size) > 0.03 * line.size or inner.font != line.font
            yield _Candidate(number, at, line, is_top, gap, is_unlike)


def _group_edges(candidates: Sequence[_Candidate]) -> Iterator[list[_Candidate]]:
    """Yields the candidates of each edge of each page, the outermost first."""
    for _, edge in groupby(candidates, key=lambda found: (found.page, found.is_top)):
        yield list(edge)


def _take_outermost(edge: Sequence[_Candidate], suspected: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yields the places of those suspected that only others stand outside of, and that are apart from the text."""
    taken: list[tuple[int, int]] = []
    for found in edge:
        if (found.page, found.at) not in suspected:
            break
        taken.append((found.page, found.at))
        if len(taken) == _EDGE_LINES:  # close under each other: a paragraph that comes again
            break
        if found.gap >= _APART or found.is_unlike or _PAGE_NUMBER.fullmatch(found.line.text):
            yield from taken
            taken = []


def _find_repeated(candidates: Sequence[_Candidate], count: int, body: Body) -> Iterator[_Candidate]:
    """Yields the lines that other pages have at the same place; numbers in them may differ."""
    places: defaultdict[tuple[bool, str, bool, bool], list[_Candidate]] = defaultdict(list)
    for found in candidates:
        is_marked = "#" in found.pattern or found.line.size < body.size * _SMALLER
        places[found.is_top, found.pattern, is_marked, found.line.size > body.size * LARGER].append(found)
    for (_, _, is_marked, is_large), same in places.items():
        needed = min(_REPEATED_ON, count) if is_marked and not is_large else _REPEATED_ON
        same.sort(key=lambda found: found.line.bottom)
        first = 0
        for last, found in enumerate(same):
            while found.line.bottom - same[first].line.bottom > _SAME_PLACE:
                first += 1
            on = {other.page for other in same[first : last + 1]}
            if needed > 1 and len(on) >= needed and (not is_large or _is_on_most(on, count)):
                yield from same[first : last + 1]


def _is_on_most(pages: set[int], count: int) -> bool:
    """True when the pages are most of all pages, or most of every other one."""
    of = count if len({page % 2 for page in pages}) > 1 else count / 2
    return len(pages) >= max(_LEAST_LARGE, _LARGE_ON * of)


def _find_page_numbers(candidates: Sequence[_Candidate], count: int, _: Body) -> Iterator[_Candidate]:
    """Yields the lines that are the number of their page, counted from anywhere, and Roman ones apart from the text."""
    offsets: defaultdict[int, list[_Candidate]] = defaultdict(list)
    for found in candidates:
        number = _PAGE_NUMBER.fullmatch(found.line.text)
        if number:
            offsets[int(number[1]) - found.page].append(found)
        elif _ROMAN.fullmatch(found.line.text) and found.gap > _SLOT_GAP and len(found.line.text) < 6:
            offsets[-9999].append(found)
    for same in offsets.values():
        if len({found.page for found in same}) >= min(_REPEATED_ON, max(count, 2)):
            yield from same


def _find_slots(candidates: Sequence[_Candidate], count: int, body: Body) -> Iterator[_Candidate]:
    """Yields the lines at a place apart from the text that most pages, or most of every other, have such a line at.

    What stands there changes with the chapter. It is small, or most of it repeats on neighbouring pages.
    """
    places: defaultdict[tuple[bool, int, float], list[_Candidate]] = defaultdict(list)
    for found in candidates:
        if found.gap >= _SLOT_GAP and found.line.size <= body.size * LARGER:
            places[found.is_top, round(found.line.bottom / 3), found.line.size].append(found)
    for same in places.values():
        on = {found.page for found in same}
        if len(on) < 4 or len(on) < _SLOT_ON * count / 2:
            continue
        patterns = Counter(found.pattern for found in same)
        repeated = sum(times for times in patterns.values() if times > 1) / len(same)
        is_small = same[0].line.size < body.size * _SMALLER
        is_numbered = sum(_has_number_at_edge(found.line) for found in same) > 0.7 * len(same)
        if (repeated > 0.5 and (is_small or is_numbered or repeated > 0.8)) or (is_small and is_numbered):
            yield from same


def _has_number_at_edge(line: Line) -> bool:
    return line.text[:1].isdigit() or line.text[-1:].isdigit()
