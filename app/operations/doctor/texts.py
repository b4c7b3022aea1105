"""Texts of findings: English strings that can be said in another language, too."""

from collections.abc import Callable, Iterable, Mapping
from typing import Self

from app.operations.ages import say_age

Translate = Callable[[str], str]


class Private(str):
    """What a person wrote: not everybody may read it."""

    __slots__ = ()


class Said(str):
    """Parts, each a template with its values. In English it is an ordinary string."""

    parts: tuple[tuple[str, Mapping[str, object]], ...]

    @classmethod
    def of(cls, *parts: tuple[str, Mapping[str, object]]) -> Self:
        said = cls("".join(_fill(template, values, str, None) for template, values in parts))
        said.parts = parts
        return said

    def __add__(self, other: str) -> "Said":
        return Said.of(*self.parts, *(other.parts if isinstance(other, Said) else [("{text}", {"text": other})]))


def say(template: str, **values: object) -> Said:
    """The template with its values. Its `age`, in seconds, is said in words."""
    return Said.of((template, values))


def join(separator: str, texts: Iterable[str]) -> Said:
    """The texts as one."""
    joined = Said.of()
    for text in texts:
        joined = joined + separator + text if joined.parts else joined + text
    return joined


def render(text: str, translate: Translate, hidden: str | None = None) -> str:
    """The text in the language of `translate`. `hidden` replaces what persons wrote."""
    if isinstance(text, Private) and hidden is not None:
        return hidden
    if not isinstance(text, Said):
        return str(text)
    return "".join(_fill(translate(template), values, translate, hidden) for template, values in text.parts)


def _fill(template: str, values: Mapping[str, object], translate: Translate, hidden: str | None) -> str:
    said: dict[str, object] = {}
    for name, value in values.items():
        if name == "age":
            said[name] = say_age(float(str(value)), translate)
        else:
            said[name] = render(value, translate, hidden) if isinstance(value, str) else value
    return template.format(**said)
