"""MathML as text: the TeX that stands beside it, else the formula in one line."""

import re

from selectolax.lexbor import LexborNode

from pipeline.formats.scripts import subscript, superscript

_STYLED = re.compile(r"^\{\\(?:displaystyle|textstyle)\s+(.*)\}$", re.DOTALL)
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u00ad")
_SIMPLE = re.compile(r"[\w.,]*|\\\w+")
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
    if tag == "mfrac":
        return f"{_group(first)}/{_group(second)}"
    if tag in {"msup", "mover"}:
        return f"{_group(first)}{superscript(second)}"
    if tag in {"msub", "munder"}:
        return f"{_group(first)}{subscript(second)}"
    if tag in {"msubsup", "munderover"}:
        return f"{_group(first)}{subscript(second)}{superscript(third)}"
    if tag == "msqrt":
        return f"√{_group(''.join(parts))}"
    if tag == "mroot":
        return f"{superscript(second)}√{_group(first)}"
    if tag == "mtable":
        return f"({'; '.join(parts)})"
    if tag == "mtr":
        return ", ".join(parts)
    if tag == "mo" and len(first) == 1 and first in "=<>≤≥≠≈+−→⇒∈":
        return f" {first} "
    if tag in {"mspace", "mtext"}:
        return f" {''.join(parts)} "
    return "".join(parts)


def _group(part: str) -> str:
    part = part.strip()
    return part if _SIMPLE.fullmatch(part) else f"({part})"
