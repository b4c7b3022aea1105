"""How much of a reference's text, and which of its headings, a reader found."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

LENGTH = 5
#: A heading's number, which bookmarks and headings may have or lack.
_NUMBER = re.compile(r"^\s*(?:§\s*)?(?:\d+(?:\.\d+)*|[IVXLC]+)[.)]?\s+")


def fold(text: str) -> str:
    """The letters and digits of the text, ligatures and superscripts as plain ones."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def count_grams(text: str) -> Counter[str]:
    """How often each run of five letters or digits stands in the text."""
    folded = fold(text)
    return Counter(folded[at : at + LENGTH] for at in range(len(folded) - LENGTH + 1))


def recall(wanted: str, found: str) -> float:
    """The share of the wanted runs that were found, each as often as it is wanted."""
    grams, read = count_grams(wanted), count_grams(found)
    return sum(min(times, read[gram]) for gram, times in grams.items()) / max(grams.total(), 1)


def heading_score(wanted: Sequence[str], found: Iterable[str], allowed: Iterable[str] = ()) -> float:
    """F1 of the found headings; numbers before them do not count, and those allowed are neither right nor wrong."""
    left, spare = Counter(map(_name, wanted)), set(map(_name, allowed))
    hits = false = 0
    for name in map(_name, found):
        if left[name]:
            left[name] -= 1
            hits += 1
        elif name not in spare:
            false += 1
    return 2 * hits / (hits + false + len(wanted))


def _name(heading: str) -> str:
    return fold(_NUMBER.sub("", heading)) or fold(heading)


def low(values: Sequence[float]) -> float:
    """The value that a tenth of the others is below."""
    return sorted(values)[round(0.1 * (len(values) - 1))]
