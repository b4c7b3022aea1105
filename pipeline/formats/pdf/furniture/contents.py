"""Tables of contents: found, removed from the text, and kept as hints where headings are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.formats.contents import names_contents
from pipeline.formats.pdf.lines import CONTENTS, LETTER, Line, squeeze

#: Dots or other leaders up to the number of a page at the end.
_LEADERS = re.compile(
    r"(?<![.·•…_])(?<![.·•…_]\s)(?:(?:[.·•…_]\s?){4,}|…{2,})\s*(?:\d{1,4}|[ivxlc]{1,6})?\s*$", re.IGNORECASE
)
#: One of these is in each row of leaders.
_MARKS = ("..", ". .", "…", "··", "· ·", "••", "__")
_ENDS_WITH_PAGE = re.compile(r"^(.*\S)\s+(\d{1,4}|[ivxlc]{1,5})$", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?:(?:глава|часть|раздел|лекция|chapter|part)\s+)?§?\s*([\dIVXА-Я]+(?:\.\d+)*)[.)]?\s", re.IGNORECASE
)
#: A run of fewer entries without a heading above is no table of contents.
_LEAST_ENTRIES = 3
#: Of all lines: more are tagged as contents by mistake.
_MOST_TAGGED = 0.3
#: So many lines of an entry stand above the one with its page.
_WRAPPED = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a table of contents: its title without the page, and its level as its number says, or 0."""

    title: str
    level: int


def remove_contents(pages: Sequence[Sequence[Line]]) -> tuple[list[list[Line]], list[Entry]]:
    """The pages without their tables of contents, and the entries of these."""
    lines = [line for page in pages for line in page]
    dropped: set[int] = set()
    entries: list[Entry] = []
    for first, last in _find_tables(lines):
        dropped.update(map(id, lines[first:last]))
        entries += _read_entries(lines[first:last])
    return [[line for line in page if id(line) not in dropped] for page in pages], entries


def _find_tables(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Yields where tables begin, with their headings if they have one, and end."""
    at = 0
    is_tagged = sum(line.tag == CONTENTS for line in lines) <= _MOST_TAGGED * len(lines)
    while at < len(lines):
        if is_tagged and lines[at].tag == CONTENTS:
            first = at
            while at < len(lines) and lines[at].tag == CONTENTS:
                at += 1
            yield first, at
            continue
        is_titled = names_contents(lines[at].text)
        first = at + 1 if is_titled else at
        last, count, led = _follow(lines, first, is_titled=is_titled)
        if count >= (2 if is_titled else _LEAST_ENTRIES) and (is_titled or led * 2 >= count):
            yield at, last
            at = last
        else:
            at += 1


def _follow(lines: Sequence[Line], first: int, *, is_titled: bool) -> tuple[int, int, int]:
    """The end of the entries from `first` on, how many there are, and how many of them have leaders."""
    last, count, led, page, waiting, right = first, 0, 0, 0, 0, 0.0
    for at in range(first, len(lines)):
        line = lines[at]
        has_leaders = _has_leaders(line.text)
        is_entry = has_leaders or (is_titled and (led < 2 or (line.cells and line.cells[-1].text.isdigit())))
        number = _find_page(line.text) if is_entry else None
        is_aligned = not count or abs(line.right - right) < line.size
        if has_leaders or (number is not None and number >= page and is_aligned):
            last, count, led, waiting, right = at + 1, count + 1, led + has_leaders, 0, line.right
            page = number if number is not None else page
        else:
            waiting += 1
            if waiting >= _WRAPPED or (not is_titled and not count) or len(line.text) > 150:
                break
    return last, count, led


def _has_leaders(text: str) -> bool:
    return any(mark in text for mark in _MARKS) and _LEADERS.search(text) is not None


def _find_page(text: str) -> int | None:
    """The number at the end, 0 if it is Roman; None without one."""
    ended = _ENDS_WITH_PAGE.match(text) or re.fullmatch(r"()(\d{1,4})", text)
    if not ended or (ended[1] and not LETTER.search(ended[1])):
        return None
    return int(ended[2]) if ended[2].isdigit() else 0


def _read_entries(lines: Sequence[Line]) -> Iterator[Entry]:
    waiting = ""
    for line in lines:
        if names_contents(line.text):
            continue
        led = _LEADERS.search(line.text)
        ended = _ENDS_WITH_PAGE.match(line.text)
        title = line.text[: led.start()] if led else ended[1] if ended else None
        if title is None:
            waiting = f"{waiting} {line.text}".strip()
            continue
        title = f"{waiting} {title}".strip()
        waiting = ""
        number = _NUMBER.match(title)
        if len(squeeze(title)) > 2:
            yield Entry(title, number[1].count(".") + 1 if number else 0)
