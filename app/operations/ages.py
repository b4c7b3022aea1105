"""Lengths of time, in words."""

from collections.abc import Callable

UNITS = ("d", "h", "min", "s")


def say_age(seconds: float, translate: Callable[[str], str] = str) -> str:
    """Such as `40 s`, `22 min`, `3 h 5 min`, `2 d`, the units translated."""
    left = max(0, int(seconds))
    days, hours, minutes, short = map(translate, UNITS)
    if left < 60:
        return f"{left} {short}"
    if left < 3600:
        return f"{left // 60} {minutes}"
    size, smaller, names = (3600, 60, (hours, minutes)) if left < 86400 else (86400, 3600, (days, hours))
    rest = left % size // smaller
    return f"{left // size} {names[0]}" + (f" {rest} {names[1]}" if rest else "")
