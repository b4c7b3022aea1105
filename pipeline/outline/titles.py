"""Titles: clean, not too long, distinct."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.language import Phrases

LONGEST_TITLE = 120
_LONGEST_JOINED = 110
_NUMBERING = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3})+[.)]?|\d{1,3}[.)]"
    r"|(?:глава|раздел|часть|модуль|лекция|урок|тема|chapter|section|part|module|unit|lecture|lesson)"
    r"\s+(?:№\s*)?(?:\d{1,3}|[ivxlc]+)\b\s*[.:)—–-]*)\s+(?=[«\"“(]?[^\W\d_])",
    re.IGNORECASE,
)


def clean_title(text: str) -> str:
    """`text` as one line, without its numbering («1.2», «Глава 3.») and closing marks, cut at a word; may be empty."""
    title = " ".join(text.split())
    title = _NUMBERING.sub("", title, count=1) if _NUMBERING.match(title) else title
    title = title.rstrip(" .:;,")
    if len(title) > LONGEST_TITLE:
        title = f"{title[:LONGEST_TITLE].rpartition(' ')[0] or title[: LONGEST_TITLE - 1]}…"
    return title


def capitalise(text: str) -> str:
    """`text` with its first letter capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def join_titles(titles: Sequence[str], phrases: Phrases) -> str:
    """One title for several: all of them while that is short, else from the first to the last, else the first."""
    distinct = list(dict.fromkeys(titles))
    if len(distinct) == 1:
        return distinct[0]
    joined = "; ".join(distinct)
    if len(joined) <= _LONGEST_JOINED:
        return joined
    span = phrases.range_of_titles.format(first=distinct[0], last=distinct[-1])
    return span if len(span) <= LONGEST_TITLE else distinct[0]


def tell_apart(titles: Iterable[str], contexts: Iterable[str]) -> list[str]:
    """The titles, those that occur more than once with their context in front and, if need be, a number."""
    titles = list(titles)
    counts = Counter(title.casefold() for title in titles)
    taken: set[str] = set()
    result = []
    for title, context in zip(titles, contexts, strict=True):
        is_shared = counts[title.casefold()] > 1 and context and context.casefold() != title.casefold()
        base = unique = clean_title(f"{context}: {title}") if is_shared else title
        number = 2
        while unique.casefold() in taken:
            unique = f"{base} ({number})"
            number += 1
        taken.add(unique.casefold())
        result.append(unique)
    return result
