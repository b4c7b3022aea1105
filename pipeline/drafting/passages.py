"""Source passages as Markdown that nests under a lesson's heading."""

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.contract import Document, Heading, Span
from pipeline.drafting.carrying import carry_definitions, find_definitions, find_table_head
from pipeline.drafting.escaping import escape_text, escape_title, is_markdown
from pipeline.markdown_text import DEEPEST_LEVEL, rewrite_lines
from pipeline.outline.names.furniture import Worth
from pipeline.outline.names.headings import Name, name_headings
from pipeline.outline.names.titles import clean_title

_HASHES = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+|~{3,})[ \t]*")
#: The lesson's own heading is of the first level.
_TOP_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Passages:
    """The text of a lesson's passages, and the headings kept in it that name something."""

    text: str
    headings: tuple[str, ...]


class Quoter:
    """Quotes the documents of a course; what it needs of a whole document it looks up once."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._names: dict[int, list[Name]] = {}
        self._definitions: dict[int, dict[str, str]] = {}

    def quote(self, sources: Sequence[Span], title: str, shown_above: Collection[str]) -> Passages:
        """The passages in order, their headings below the first level, their nesting kept, fenced code closed.

        At the beginning, headings that only repeat `title` or one of `shown_above` are left out. A table that goes on
        has its head again, and links and notes have their definitions.
        """
        skipped = {clean_title(shown).casefold() for shown in (title, *shown_above)}
        levels = _Levels()
        blocks: list[str] = []
        kept: list[str] = []
        leading = True
        for span in sources:
            document = self._documents[span.document]
            pieces: list[str] = []
            for heading, name, own_text in self._cut_at_headings(span):
                if heading is not None and name is not None:
                    is_shown = leading and name.text.casefold() in skipped
                    if is_shown and not name.text.endswith("…"):  # a title cut short repeats too little
                        leading = name.text.casefold() != clean_title(title).casefold()
                    else:
                        leading = False
                        if name.worth is Worth.GOOD:
                            kept.append(name.text)
                        pieces.append(f"{'#' * levels.nest(heading.level)} {escape_title(heading.text)}")
                pieces.append(escape_text(document, own_text).strip("\n"))
            levels.close()
            block = rewrite_lines("\n\n".join(filter(None, pieces)), str)
            blocks.extend((block, carry_definitions(block, self._find_definitions(span.document))))
        return Passages("\n\n".join(filter(None, blocks)), tuple(kept))

    def _find_definitions(self, number: int) -> dict[str, str]:
        if number not in self._definitions:
            document = self._documents[number]
            self._definitions[number] = find_definitions(document.text) if is_markdown(document) else {}
        return self._definitions[number]

    def _cut_at_headings(self, span: Span) -> list[tuple[Heading | None, Name | None, str]]:
        """The text of the span before its first heading, if any, then each heading with its name and its own text."""
        document = self._documents[span.document]
        text, headings = document.text, document.headings
        if span.document not in self._names:
            self._names[span.document] = name_headings(document, headings)
        names = self._names[span.document]
        first = bisect_left(headings, span.start, key=lambda heading: heading.start)
        last = bisect_left(headings, span.end, key=lambda heading: heading.start)
        inside = headings[first:last]
        ends = [*(heading.start for heading in inside[1:]), span.end]
        pieces: list[tuple[Heading | None, Name | None, str]] = [
            (heading, name, _skip_heading_line(heading, text[heading.start : end]))
            for heading, name, end in zip(inside, names[first:last], ends, strict=False)
        ]
        before = text[span.start : inside[0].start if inside else span.end]
        if not before.strip():
            return pieces
        head = find_table_head(text, span.start)
        return [(None, None, f"{head}\n{before}" if head else before), *pieces]


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
