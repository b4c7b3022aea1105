"""What the names of styles mean, in the languages of office programs."""

import re

_HEADING = re.compile(r"(?:heading|заголовок|überschrift|titre|título)\s*([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"title|название|заглавие", re.IGNORECASE)
_CONTENTS = re.compile(r"(?:toc|contents|оглавление)\s*(?:\d|heading|заголовок)|table of figures", re.IGNORECASE)
_CODE = re.compile(r"\b(?:source\s?code|code|listing|preformatted|verbatim|код|листинг)\b", re.IGNORECASE)


def is_title(name: str) -> bool:
    return _TITLE.fullmatch(name) is not None


def find_level(name: str) -> int | None:
    """The level of heading, from 1; None for other styles, and for the title."""
    named = _HEADING.fullmatch(name)
    return int(named[1]) if named else None


def is_contents(name: str) -> bool:
    """Whether paragraphs of this style are entries of a table of contents."""
    return _CONTENTS.match(name) is not None


def is_code(name: str) -> bool:
    return _CODE.search(name) is not None
