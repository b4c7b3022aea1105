"""MathML as LaTeX."""

import re
from collections.abc import Callable

from pipeline.formats.office.formulas.latex import (
    fence,
    function_name,
    matrix,
    scripts,
    show_tex,
    write_base,
    write_character,
    write_text,
)
from pipeline.formats.office.formulas.symbols import ACCENTS, OPERATORS
from pipeline.formats.office.package import Element

_SPACES = re.compile(r" {2,}")
#: Operators whose limits stand below and above.
_WITH_LIMITS = re.compile(r"\\(?:lim|max|min|sup|inf|sum|prod|coprod|big\w+)\s*")


def write_mathml(root: Element) -> str:
    """The formula between `$`: the LaTeX that it brings with it, else what its elements say; empty for none."""
    for found in root.iter():
        if _name(found) == "annotation" and "tex" in found.get("encoding", "").lower() and found.text:
            return show_tex(found.text)
    latex = _SPACES.sub(" ", _write(root)).strip()
    return show_tex(root.get("alttext", "")) or (f"${latex}$" if latex else "")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _write(element: Element) -> str:
    writer = _WRITERS.get(_name(element))
    return writer(element) if writer else _write_row(element)


def _write_row(element: Element) -> str:
    return "".join(map(_write, element)) if len(element) else _write_text(element)


def _write_sign(element: Element) -> str:
    text = "".join((element.text or "").split())
    return function_name(text) + " " if len(text) > 1 and text.isalpha() else "".join(map(write_character, text))


def _write_text(element: Element) -> str:
    return write_text(re.sub(r"\s+", " ", element.text or ""))


def _part(element: Element, at: int) -> str:
    return _write(element[at]).strip() if at < len(element) else ""


def _write_under(element: Element) -> str:
    base, below = _part(element, 0), _part(element, 1)
    if _WITH_LIMITS.fullmatch(base):
        return f"{base}{scripts(below, '')} "
    return rf"\underset{{{below}}}{{{base}}}"


def _write_over(element: Element) -> str:
    base, above = _part(element, 0), _part(element, 1)
    sign = (element[1].text or "").strip() if len(element) > 1 else ""
    if sign in ACCENTS:
        return f"{ACCENTS[sign]}{{{base}}}"
    if _WITH_LIMITS.fullmatch(base):
        return f"{base}{scripts('', above)} "
    return rf"\overset{{{above}}}{{{base}}}"


def _write_operator(element: Element) -> str:
    text = (element.text or "").strip()
    return f"{OPERATORS[text]} " if text in OPERATORS else _write_sign(element)


def _write_fenced(element: Element) -> str:
    inner = ", ".join(_write(child).strip() for child in element)
    return rf"\left{fence(element.get('open'), '(')}{inner}\right{fence(element.get('close'), ')')}"


def _write_table(element: Element) -> str:
    return matrix([[_write_row(cell).strip() for cell in row] for row in element])


_WRITERS: dict[str, Callable[[Element], str]] = {
    "annotation": lambda _: "",
    "annotation-xml": lambda _: "",
    "mi": _write_sign,
    "mn": _write_sign,
    "mo": _write_operator,
    "mtext": _write_text,
    "mspace": lambda _: " ",
    "mfrac": lambda element: rf"\frac{{{_part(element, 0)}}}{{{_part(element, 1)}}}",
    "msqrt": lambda element: rf"\sqrt{{{_write_row(element).strip()}}}",
    "mroot": lambda element: rf"\sqrt[{_part(element, 1)}]{{{_part(element, 0)}}}",
    "msub": lambda element: write_base(_part(element, 0)) + scripts(_part(element, 1), ""),
    "msup": lambda element: write_base(_part(element, 0)) + scripts("", _part(element, 1)),
    "msubsup": lambda element: write_base(_part(element, 0)) + scripts(_part(element, 1), _part(element, 2)),
    "munder": _write_under,
    "mover": _write_over,
    "munderover": lambda element: f"{_part(element, 0)}{scripts(_part(element, 1), _part(element, 2))} ",
    "mfenced": _write_fenced,
    "mtable": _write_table,
}
