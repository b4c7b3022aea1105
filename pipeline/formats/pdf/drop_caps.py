"""A large first letter and the words beside it become one line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.formats.pdf.lines import Line

_LARGER = 1.8
_WORD = re.compile(r"\w+")
#: Words of Russian of one letter, which a space follows unless the text knows a word that begins so.
_LETTERS = frozenset("вксоуияа")


def join_drop_caps(lines: Sequence[Line]) -> Iterator[Line]:
    """Yields the lines, a letter in a much larger font together with the line beside it."""
    known: set[str] = set()
    waiting: Line | None = None
    for line in lines:
        if waiting is not None:
            is_beside = waiting.left < line.left and waiting.bottom < line.top and line.bottom < waiting.top
            if (
                line.text[0].isalnum()
                and waiting.size > _LARGER * line.size
                and is_beside
                and waiting.page == line.page
            ):
                if not known:
                    known = {word for other in lines for word in _WORD.findall(other.text.casefold())}
                yield replace(line, text=_join(waiting.text, line.text, known))
                waiting = None
                continue
            yield waiting
            waiting = None
        if len(line.text) <= 2 and line.text[-1].isalpha():
            waiting = line
        else:
            yield line
    if waiting is not None:
        yield waiting


def _join(letter: str, text: str, known: set[str]) -> str:
    first = _WORD.match(text)
    rest = first[0].casefold() if first else ""
    last = letter[-1].casefold()
    is_word = last in _LETTERS or last in ("a", "i")
    if is_word and last + rest not in known and (rest in known or (last in _LETTERS and len(rest) > 2)):
        return f"{letter} {text}"
    return f"{letter}{text}"
