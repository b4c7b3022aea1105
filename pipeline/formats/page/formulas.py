"""MathML as text: the TeX that stands beside it, else the formula in one line."""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborNode

from pipeline.formats.scripts import subscript, superscript

_STYLED = re.compile(r"^\{\\(?:displaystyle|textstyle)\s+(.*)\}$", re.DOTALL)
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u00ad")
_SIMPLE = re.compile(r"[\w.,]*|.")
#: A formula within formulas deeper than this is shown as its letters.
_DEEPEST = 30


def show_tex(tex: str) -> str:
    """The formula between dollar signs, "" if it is blank."""
    tex = " ".join(tex.split())
    styled = _STYLED.match(tex)
    tex = (styled[1] if styled else tex).strip().strip("$").strip()
    return f"${tex}$" if tex else ""


def show_formula(math: LexborNode) -> str:
    """The TeX annotation of the `math` element, else its attribute `alttext`, else its parts in one line."""
    for annotation in math.css("annotation"):
        if "tex" in (annotation.attributes.get("encoding") or "").lower():
            return show_tex(annotation.text())
    if alternative := math.attributes.get("alttext"):
        return show_tex(alternative)
    return " ".join(_show(math, 0).translate(_INVISIBLE).split())


def _show(node: LexborNode, depth: int) -> str:
    tag = node.tag or ""
    if tag == "-text":
        return (node.text_content or "").strip()
    if tag in {"annotation", "annotation-xml"}:
        return ""
    if depth > _DEEPEST:
        return node.text()
    parts = [_show(child, depth + 1) for child in node.iter()] or [node.text().strip()]
    return _join(tag, parts)


def _join(tag: str, parts: list[str]) -> str:
    first, second, third = (*parts, "", "", "")[:3]
    show = _FORMS.get(tag)
    if show is not None:
        return show(first, second, third)
    if tag == "msqrt":
        return f"√{_group(''.join(parts))}"
    if tag in _SEPARATORS:
        return f"({'; '.join(parts)})" if tag == "mtable" else ", ".join(parts)
    if tag in {"mspace", "mtext"} or (tag == "mo" and first in _SPACED):
        return f" {''.join(parts)} "
    return "".join(parts)


def _group(part: str) -> str:
    part = part.strip()
    return part if _SIMPLE.fullmatch(part) else f"({part})"


_SEPARATORS = frozenset({"mtable", "mtr"})
_SPACED = frozenset("=<>≤≥≠≈+−→⇒∈")
_FORMS: dict[str, Callable[[str, str, str], str]] = {
    "mfrac": lambda over, under, _: f"{_group(over)}/{_group(under)}",
    "msup": lambda base, upper, _: f"{_group(base)}{superscript(upper)}",
    "mover": lambda base, upper, _: f"{_group(base)}{superscript(upper)}",
    "msub": lambda base, lower, _: f"{_group(base)}{subscript(lower)}",
    "munder": lambda base, lower, _: f"{_group(base)}{subscript(lower)}",
    "msubsup": lambda base, lower, upper: f"{_group(base)}{subscript(lower)}{superscript(upper)}",
    "munderover": lambda base, lower, upper: f"{_group(base)}{subscript(lower)}{superscript(upper)}",
    "mroot": lambda base, degree, _: f"{superscript(degree)}√{_group(base)}",
}
