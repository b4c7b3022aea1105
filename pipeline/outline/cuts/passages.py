"""Documents cut into passages at their headings: every non-blank character belongs to exactly one."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from pipeline.contract import Document, Heading, Span
from pipeline.formats.placeholders import is_placeholder
from pipeline.outline.names.furniture import Worth
from pipeline.outline.names.headings import Name, name_document, name_headings
from pipeline.outline.names.titles import clean_title

#: How firmly the boundary before a passage holds: 0 between documents, then the depth of its heading, then these.
AFTER_OWN_INTRODUCTION = 50
INSIDE_PASSAGE = 60

#: A shorter text between a heading and its first sub-heading goes with that sub-heading.
SHORTEST_INTRODUCTION = 600

_NOT_BLANK = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Topic:
    """A heading, or a document as a whole (depth 0), and the text [start, end) that stands under it."""

    document: int
    start: int
    end: int
    depth: int
    title: str
    worth: Worth = Worth.GOOD


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one document; `topic` is the index of the topic whose own text it is or ends with."""

    document: int
    start: int
    end: int
    strength: int
    topic: int
    is_part: bool = False

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Piece:
    """A heading's line and its own text, up to the next heading."""

    start: int
    end: int
    topic: int
    parent: int
    depth: int
    has_body: bool


def cut_documents(documents: Sequence[Document], unnamed: str) -> tuple[list[Topic], list[Passage]]:
    """The topics and the passages of all readable documents, in order.

    Blank documents have neither, nor has one with the text of an earlier one. `unnamed` is the name of a document that
    has none.
    """
    topics: list[Topic] = []
    passages: list[Passage] = []
    known: set[str] = set()
    for index, document in enumerate(documents):
        text = document.text.strip()
        if document.error is None and text and text not in known:
            known.add(text)
            pieces = list(_cut_pieces(index, document, topics, unnamed))
            passages.extend(_join_furniture(list(_join_introductions(index, pieces)), topics))
    return _tell_documents_apart(topics), passages


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """[start, end) without blank lines before it and blanks after it; empty when all of it is blank."""
    first = _NOT_BLANK.search(text, start, end)
    if first is None:
        return start, start
    while text[end - 1].isspace():
        end -= 1
    return max(start, text.rfind("\n", 0, first.start()) + 1), end


def join_spans(passages: Sequence[Passage]) -> tuple[Span, ...]:
    """The spans of these neighbouring passages: one per document."""
    spans: list[Span] = []
    for passage in passages:
        if spans and spans[-1].document == passage.document:
            spans[-1] = Span(passage.document, spans[-1].start, passage.end)
        else:
            spans.append(Span(passage.document, passage.start, passage.end))
    return tuple(spans)


def _cut_pieces(index: int, document: Document, topics: list[Topic], unnamed: str) -> Iterator[_Piece]:
    """Yields the pieces of a document, and appends its topics."""
    text = document.text
    start, end = trim(text, 0, len(text))
    headings = _order_headings(document, end)
    names = name_headings(document, headings)
    whole = len(topics)
    has_title = _has_title(headings, names, start)
    title = names[0].text if has_title else name_document(document, headings, names, start)
    topics.append(Topic(index, start, end, 0, title or unnamed))
    preamble_end = headings[0].start if headings else end
    first, last = trim(text, start, preamble_end)
    has_preamble = last > first
    if has_preamble:
        yield _Piece(first, last, whole, -1, 0, has_body=True)
    open_topics: list[tuple[int, int]] = []  # level and index of the topics this heading may stand under
    ends = _find_ends(headings, end)
    for number, (heading, name) in enumerate(zip(headings, names, strict=True)):
        stop = headings[number + 1].start if number + 1 < len(headings) else end
        first, last = trim(text, heading.start, stop)
        if last == first:
            continue
        if has_title and number == 0:
            topic, parent, depth = whole, whole if has_preamble else -1, 0
        else:
            while open_topics and open_topics[-1][0] >= heading.level:
                open_topics.pop()
            parent = open_topics[-1][1] if open_topics else whole
            topic, depth = len(topics), topics[parent].depth + 1
            _, topic_end = trim(text, heading.start, ends[number])
            above = topics[parent]
            is_minor = above.worth is Worth.NONE and 2 * (above.end - above.start) < end - start
            worth = Worth.NONE if is_minor else name.worth
            topics.append(Topic(index, first, topic_end, depth, name.text, worth))
            open_topics.append((heading.level, topic))
        yield _Piece(first, last, topic, parent, depth, has_body=_has_body(text, first, last))


def _tell_documents_apart(topics: Sequence[Topic]) -> list[Topic]:
    """The topics; documents that are called alike have the first of their own headings added to their names."""
    counts = Counter(topic.title.casefold() for topic in topics if topic.depth == 0)
    told: list[Topic] = []
    for at, topic in enumerate(topics):
        heading = ""
        if topic.depth == 0 and counts[topic.title.casefold()] > 1:
            below = takewhile(lambda other: other.depth, islice(topics, at + 1, None))
            own = (other.title for other in below if other.worth is Worth.GOOD and other.title != topic.title)
            heading = next(own, "")
        told.append(replace(topic, title=clean_title(f"{topic.title}: {heading}")) if heading else topic)
    return told


def _order_headings(document: Document, end: int) -> list[Heading]:
    """The headings that lie in the text, by position; of several at one place, the first."""
    by_start = {heading.start: heading for heading in reversed(document.headings) if 0 <= heading.start < end}
    return [by_start[start] for start in sorted(by_start)]


def _has_title(headings: Sequence[Heading], names: Sequence[Name], start: int) -> bool:
    """True when the first heading stands above all others, has little text before it, and is a name."""
    if not headings or headings[0].start - start > SHORTEST_INTRODUCTION:
        return False
    if names[0].worth is Worth.NONE or is_placeholder(names[0].text):
        return False
    return all(heading.level > headings[0].level for heading in headings[1:])


def _find_ends(headings: Sequence[Heading], end: int) -> list[int]:
    """Per heading, where the next one of its level or above begins."""
    ends = [end] * len(headings)
    waiting: list[int] = []
    for number, heading in enumerate(headings):
        while waiting and headings[waiting[-1]].level >= heading.level:
            ends[waiting.pop()] = heading.start
        waiting.append(number)
    return ends


def _has_body(text: str, start: int, end: int) -> bool:
    """True when something else than an underline follows the heading's line."""
    rest = text[start:end].partition("\n")[2]
    return bool(rest.strip(" \t\n=-~"))


def _join_introductions(index: int, pieces: Sequence[_Piece]) -> Iterator[Passage]:
    """Yields the passages of one document: a bare heading goes with what follows, a short text with what is below."""
    first = 0
    for number, piece in enumerate(pieces):
        start = pieces[first].start
        has_child = number + 1 < len(pieces) and pieces[number + 1].parent == piece.topic
        is_bare = not piece.has_body and number + 1 < len(pieces)
        if is_bare or (has_child and piece.end - start < SHORTEST_INTRODUCTION):
            continue
        if first and pieces[first].parent == pieces[first - 1].topic:
            strength = AFTER_OWN_INTRODUCTION
        else:
            strength = pieces[first].depth if first else 0
        yield Passage(index, start, piece.end, strength, piece.topic)
        first = number + 1


def _join_furniture(passages: Sequence[Passage], topics: Sequence[Topic]) -> Iterator[Passage]:
    """Yields the passages of one document, those under a heading that names nothing put to the one before.

    To the one after, where they open the document or follow the bare heading of a chapter.
    """
    waiting: Passage | None = None
    for passage in passages:
        is_nameless = topics[passage.topic].worth is Worth.NONE
        if waiting is None:
            waiting = passage
        elif topics[waiting.topic].worth is Worth.NONE:
            waiting = replace(passage, start=waiting.start, strength=waiting.strength)
        elif is_nameless and topics[passage.topic].start <= passage.start:
            waiting = replace(waiting, end=passage.end)
        else:
            yield waiting
            waiting = passage
    if waiting is not None:
        yield waiting
