"""What repeats at the same place near the edge of pages is dropped."""

import re
from collections import defaultdict
from collections.abc import Sequence

from pipeline.formats.pdf.lines import LARGER, Line, usual_size

#: A line that comes on so many pages at the same place is a running head; of fewer, if it is small or numbered.
_REPEATED_ON = 3
_LONGEST_HEAD = 80
_SMALLER = 0.95
#: So many lines from either edge of a page may be running heads, and their places differ by so many points.
_EDGE_LINES = 2
_SAME_PLACE = 4.0

_DIGITS = re.compile(r"\d+")


def drop_running_heads(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without lines near their upper and lower edges that other pages have at the same place.

    Numbers may differ; other text may not, and is short and no larger than the usual text.
    """
    body = usual_size([line for page in pages for line in page])
    places: defaultdict[tuple[str, str, bool], list[tuple[float, int, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        by_height = sorted(range(len(page)), key=lambda at: page[at].bottom)
        edges = (("bottom", by_height[:_EDGE_LINES]), ("top", by_height[-_EDGE_LINES:]))
        for edge, candidates in edges:
            for at in candidates:
                if page[at].size <= body * LARGER and len(page[at].text) <= _LONGEST_HEAD:
                    pattern = _DIGITS.sub("#", page[at].text.casefold())
                    is_marked = "#" in pattern or page[at].size < body * _SMALLER
                    places[edge, pattern, is_marked].append((page[at].bottom, number, at))
    dropped: set[tuple[int, int]] = set()
    for (_, _, is_marked), found in places.items():
        needed = min(_REPEATED_ON, len(pages)) if is_marked else _REPEATED_ON
        found.sort()
        first = 0
        for last, (height, _, _) in enumerate(found):
            while height - found[first][0] > _SAME_PLACE:
                first += 1
            same = found[first : last + 1]
            if needed > 1 and len({number for _, number, _ in same}) >= needed:
                dropped.update((number, at) for _, number, at in same[-needed:])
    return [[line for at, line in enumerate(page) if (number, at) not in dropped] for number, page in enumerate(pages)]
