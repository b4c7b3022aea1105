"""Lengths of time, in words."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def say_age(seconds: float) -> str:
    """Such as `40 s`, `22 min`, `3 h 5 min`, `2 d`."""
    left = max(0, int(seconds))
    for (size, name), (smaller, smaller_name) in zip(_UNITS, (*_UNITS[1:], (1, "s")), strict=True):
        if left >= size:
            rest = left % size // smaller
            has_rest = rest and size > 60
            return f"{left // size} {name} {rest} {smaller_name}" if has_rest else f"{left // size} {name}"
    return f"{left} s"
