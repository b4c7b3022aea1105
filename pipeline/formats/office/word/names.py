"""The names of the elements of WordprocessingML, and how their properties are read."""

from pipeline.formats.office.package import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
VAL = f"{W}val"


def value_of(parent: Element | None, path: str) -> str | None:
    """The value of the element at this path of names; "" if it is there without one, None if it is not there."""
    if parent is None:
        return None
    found = parent.find("/".join(f"{W}{name}" for name in path.split("/")))
    return found.get(VAL, "") if found is not None else None


def is_on(parent: Element | None, name: str) -> bool | None:
    """What a switch says; None if it is not there."""
    value = value_of(parent, name)
    return value not in {"0", "false", "off", "none"} if value is not None else None


def number_of(parent: Element | None, path: str) -> int | None:
    value = value_of(parent, path)
    return int(value) if value and value.lstrip("-").isdecimal() else None
