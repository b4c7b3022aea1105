"""Source passages as Markdown that nests under a lesson's heading."""

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.contract import Document, Heading, Span
from pipeline.drafting.escaping import escape_text, escape_title
from pipeline.markdown_text import DEEPEST_LEVEL, rewrite_lines
from pipeline.outline.titles import clean_title

_HASHES = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+|~{3,})[ \t]*")
#: The lesson's own heading is of the first level.
_TOP_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Passages:
    """The text of a lesson's passages, and the headings that were kept in it."""

    text: str
    headings: tuple[str, ...]


def quote_passages(
    sources: Sequence[Span], documents: Sequence[Document], title: str, shown_above: Collection[str]
) -> Passages:
    """The passages in order, their headings below the first level, their nesting kept, fenced code closed.

    At the beginning, headings that only repeat `title` or one of `shown_above` are left out.
    """
    skipped = {clean_title(shown).casefold() for shown in (title, *shown_above)}
    levels = _Levels()
    blocks: list[str] = []
    kept: list[str] = []
    leading = True
    for span in sources:
        document = documents[span.document]
        pieces: list[str] = []
        for heading, own_text in _cut_at_headings(document, span):
            if heading is not None:
                name = clean_title(heading.text)
                if (
                    leading and name.casefold() in skipped and not name.endswith("…")
                ):  # a title cut short repeats too little
                    leading = name.casefold() != clean_title(title).casefold()
                else:
                    leading = False
                    kept.append(name or heading.text)
                    pieces.append(f"{'#' * levels.nest(heading.level)} {escape_title(heading.text)}")
            pieces.append(escape_text(document, own_text).strip("\n"))
        levels.close()
        blocks.append(rewrite_lines("\n\n".join(filter(None, pieces)), str))
    return Passages("\n\n".join(filter(None, blocks)), tuple(kept))


class _Levels:
    """Renumbers nested headings: each is one level deeper than the heading above it."""

    def __init__(self) -> None:
        self._open: list[int] = []

    def nest(self, level: int) -> int:
        while self._open and self._open[-1] >= level:
            self._open.pop()
        self._open.append(level)
        return min(_TOP_LEVEL + len(self._open) - 1, DEEPEST_LEVEL)

    def close(self) -> None:
        """The next document's headings stand under none of this one's."""
        self._open.clear()


def _cut_at_headings(document: Document, span: Span) -> list[tuple[Heading | None, str]]:
    """The text of the span before its first heading, if any, then each heading with its own text."""
    text, headings = document.text, document.headings
    first = bisect_left(headings, span.start, key=lambda heading: heading.start)
    last = bisect_left(headings, span.end, key=lambda heading: heading.start)
    inside = headings[first:last]
    ends = [*(heading.start for heading in inside[1:]), span.end]
    pieces: list[tuple[Heading | None, str]] = [
        (heading, _skip_heading_line(heading, text[heading.start : end]))
        for heading, end in zip(inside, ends, strict=bool(inside))
    ]
    before = text[span.start : inside[0].start if inside else span.end]
    return [(None, before), *pieces] if before.strip() else pieces


def _skip_heading_line(heading: Heading, text: str) -> str:
    """`text` without the heading it begins with: a `#` line, or one or more lines and their underline."""
    line, _, rest = text.partition("\n")
    if _HASHES.match(line):
        return rest
    following, _, after = rest.partition("\n")
    if _UNDERLINE.fullmatch(following):
        return after
    if len(heading.text) > len(line.strip()):  # it goes on in the next lines, up to the underline
        lines = rest.split("\n", 10)
        for number, candidate in enumerate(lines):
            if _UNDERLINE.fullmatch(candidate):
                return "\n".join(lines[number + 1 :])
    return rest
