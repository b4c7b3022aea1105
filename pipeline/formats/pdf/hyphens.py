"""Words divided between lines become whole again."""

import re
from collections.abc import Iterable, Sequence

_COMPOUND = re.compile(r"\b\w+(?:[-‐]\w+)+")
_LAST_WORD = re.compile(r"(\w+)[-‐]?$")
_FIRST_WORD = re.compile(r"\w+")
_LONGEST_WORD = 80
_HYPHENS = ("-", "‐")
_PREFIXES = frozenset({"кое", "кой"})
_SUFFIXES = frozenset({"то", "либо", "нибудь", "таки"})
_PREPOSITIONS = frozenset({("из", "за"), ("из", "под")})


class Joiner:
    """Joins lines; a hyphen at a line's end stays where the text elsewhere, or Russian grammar, writes it."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._compounds = {word.casefold() for line in lines for word in _COMPOUND.findall(line)}

    def join(self, lines: Sequence[tuple[str, bool]]) -> str:
        """The lines as one; each comes with whether a hyphen at its end has been taken off."""
        text = ""
        is_divided = False
        for line, was_hyphenated in lines:
            text = self._append(text, line, is_divided) if text else line
            is_divided = was_hyphenated
        return text

    def _append(self, text: str, line: str, is_divided: bool) -> str:
        ends_so = is_divided or text.endswith(_HYPHENS)
        last = _LAST_WORD.search(text[-_LONGEST_WORD:]) if ends_so else None
        first = _FIRST_WORD.match(line)
        if not (last and first):
            return f"{text}{line}" if is_divided else f"{text} {line}"
        stem = text.rstrip("-‐")
        is_whole = last[1][-1].isalpha() and first[0][0].islower() and not self._is_compound(last[1], first[0])
        return f"{stem}{line}" if is_whole else f"{stem}-{line}"

    def _is_compound(self, left: str, right: str) -> bool:
        pair = (left.casefold(), right.casefold())
        return (
            "-".join(pair) in self._compounds or pair in _PREPOSITIONS or pair[0] in _PREFIXES or pair[1] in _SUFFIXES
        )
