"""Tables of contents: what they are called, and those of plain text.

They name pages that no longer exist, and every heading a second time.
"""

import re
from collections import Counter
from collections.abc import Iterator
from string import digits, whitespace

_LEADERS = re.compile(r"\.{3}|(?:\s\.){3}|…|_{3}|\t|\s{3}")
_NAME = re.compile(
    r"(?:содержание|оглавление|(?:table of )?contents|план лекции|inhaltsverzeichnis"
    r"|список (?:иллюстраций|таблиц|рисунков)|list of (?:figures|tables))\W*",
    re.IGNORECASE,
)
#: Lines between two entries: blank ones, and one of a title that takes two lines.
_WIDEST_GAP = 4
_LONGEST_PAGE = 4


def drop_contents(lines: list[str]) -> list[str]:
    """The lines without those of a table of contents and its name.

    It is one when two lines or more end in leaders and page numbers in order, below its name or with titles that are
    found again further down; or when each of two lines or more right below its name is found again.
    """
    dropped = set(_find_without_pages(lines))
    for entries in _find_runs(lines):
        first, last = entries[0][0], entries[-1][0]
        above = next((number for number in range(first - 1, max(first - 6, -1), -1) if lines[number].strip()), None)
        is_named = above is not None and names_contents(lines[above])
        pages = [page for _, _, page in entries]
        if pages == sorted(pages) and (is_named or _are_found_again(entries, lines[last + 1 :])):
            dropped.update(range(above if is_named and above is not None else first, last + 1))
    return [line for number, line in enumerate(lines) if number not in dropped]


def names_contents(line: str) -> bool:
    """True when the line is the title of a table of contents."""
    return _NAME.fullmatch(" ".join(line.split())) is not None


def _find_without_pages(lines: list[str]) -> Iterator[int]:
    """Yields the numbers of the lines of a table of contents that names no pages."""
    name = next((number for number, line in enumerate(lines) if names_contents(line)), None)
    if name is None:
        return
    left = Counter(_fold(line) for line in lines[name + 1 :])
    entries: list[int] = []
    for number in range(name + 1, len(lines)):
        title = _fold(lines[number])
        left[title] -= 1
        if title and not left[title]:
            break
        entries += [number] if title else []
    if len(entries) > 1:
        yield from range(name, entries[-1] + 1)


def _find_runs(lines: list[str]) -> Iterator[list[tuple[int, str, int]]]:
    """The number, title and page of each entry, for each run of two or more."""
    run: list[tuple[int, str, int]] = []
    for number, line in enumerate(lines):
        entry = _read_entry(line)
        if entry is None:
            continue
        between = [text for text in lines[run[-1][0] + 1 : number] if text] if run else []
        if len(between) > 1 or (run and number - run[-1][0] > _WIDEST_GAP):
            if len(run) > 1:
                yield run
            run = []
        run.append((number, *entry))
    if len(run) > 1:
        yield run


def _read_entry(line: str) -> tuple[str, int] | None:
    """The title and the page of an entry, which leaders part; None for other lines."""
    before = line.rstrip(digits)
    title = before.rstrip(f"{whitespace}._…")
    page, leaders = line[len(before) :], before[len(title) :]
    is_entry = 0 < len(page) <= _LONGEST_PAGE and title and _LEADERS.search(leaders)
    return (title.strip(), int(page)) if is_entry else None


def _are_found_again(entries: list[tuple[int, str, int]], below: list[str]) -> bool:
    """True when at least half of the titles are lines of the text below."""
    titles = {_fold(title) for _, title, _ in entries}
    return len(titles & {_fold(line) for line in below}) * 2 >= len(titles)


def _fold(line: str) -> str:
    return " ".join(line.split()).casefold()
