"""The marks of list items, and numbers as lists count: in figures, letters or Roman numerals."""

from collections.abc import Callable

_LATIN = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщэюя"
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MOST = 4000
_DEEPEST = 8


def write_mark(depth: int, sign: str = "-") -> str:
    """What stands before the item: its sign, indented by its depth from 0; a bare number has a full stop."""
    return f"{'  ' * min(max(depth, 0), _DEEPEST)}{sign}{'.' if sign[-1:].isalnum() else ''} "


def write_number(number: int, kind: str) -> str:
    """The number in the kind of figures that Office calls so; in decimal ones for other kinds."""
    writer = _WRITERS.get(kind)
    return writer(number) if writer and 0 < number < _MOST else str(number)


def _letter(number: int, letters: str) -> str:
    """The letter of this number; after the last one letters are doubled, as Word does."""
    times, at = divmod(number - 1, len(letters))
    return letters[at] * (times + 1)


def _roman(number: int) -> str:
    written = ""
    for value, sign in _ROMAN:
        times, number = divmod(number, value)
        written += sign * times
    return written


_WRITERS: dict[str, Callable[[int], str]] = {
    "lowerLetter": lambda number: _letter(number, _LATIN),
    "upperLetter": lambda number: _letter(number, _LATIN).upper(),
    "russianLower": lambda number: _letter(number, _RUSSIAN),
    "russianUpper": lambda number: _letter(number, _RUSSIAN).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
}
