"""Formulas of Word and PowerPoint (OMML) as LaTeX."""

import re
from collections.abc import Callable

from pipeline.formats.office.formulas.latex import (
    ROW_END,
    fence,
    function_name,
    matrix,
    scripts,
    write_base,
    write_character,
)
from pipeline.formats.office.formulas.symbols import ACCENTS, FUNCTIONS, OPERATORS
from pipeline.formats.office.package import Element

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_SPACES = re.compile(r" {2,}")
_DROPPED = frozenset({"del", "moveFrom"})


def write_formula(element: Element) -> str:
    """LaTeX between `$` for `m:oMath`, between `$$` for `m:oMathPara`; empty for a formula without content."""
    if element.tag == f"{M}oMathPara":
        formulas = [latex for child in element.iter(f"{M}oMath") if (latex := _write_children(child).strip())]
        return f"$${ROW_END.join(formulas)}$$" if formulas else ""
    latex = _write_children(element).strip()
    return f"${latex}$" if latex else ""


def _write_children(element: Element | None) -> str:
    """The LaTeX of all that an element holds."""
    if element is None:
        return ""
    return _SPACES.sub(" ", "".join(map(_write, element)))


def _write(element: Element) -> str:
    name = element.tag.rpartition("}")[2]
    if name in _DROPPED or name.endswith("Pr"):
        return ""
    if name == "t":
        return "".join(map(write_character, element.text or ""))
    if name == "r":
        return _write_run(element)
    writer = _WRITERS.get(name)
    return writer(element) if writer else _write_children(element)


def _write_run(run: Element) -> str:
    text = _write_children(run)
    is_plain = run.find(f"{M}rPr/{M}nor") is not None
    return rf"\text{{{text}}}" if is_plain and text.strip() else text


def _part(element: Element, name: str) -> str:
    """The LaTeX of one argument."""
    return _write_children(element.find(f"{M}{name}")).strip()


def _property(element: Element, name: str) -> str | None:
    """The value of a property of the object, "" if it says nothing, None if there is none."""
    for properties in element:
        if properties.tag.endswith("Pr"):
            found = properties.find(f"{M}{name}")
            if found is not None:
                return found.get(f"{M}val", "")
    return None


def _is_on(element: Element, name: str) -> bool:
    return _property(element, name) in {"", "1", "on", "true"}


def _fraction(element: Element) -> str:
    numerator, denominator = _part(element, "num"), _part(element, "den")
    match _property(element, "type"):
        case "lin" | "skw":
            return rf"{{{numerator}}}/{{{denominator}}}"
        case "noBar":
            return rf"\binom{{{numerator}}}{{{denominator}}}"
    return rf"\frac{{{numerator}}}{{{denominator}}}"


def _radical(element: Element) -> str:
    degree = "" if _is_on(element, "degHide") else _part(element, "deg")
    return rf"\sqrt{f'[{degree}]' if degree else ''}{{{_part(element, 'e')}}}"


def _scripts(element: Element) -> str:
    below, above = _part(element, "sub"), _part(element, "sup")
    return write_base(_part(element, "e")) + scripts(below, above)


def _scripts_before(element: Element) -> str:
    before = scripts(_part(element, "sub"), _part(element, "sup"))
    return f"{{}}{before}{write_base(_part(element, 'e'))}"


def _n_ary(element: Element) -> str:
    character = _property(element, "chr")
    operator = OPERATORS.get("∫" if character is None else character, character or "")
    below = "" if _is_on(element, "subHide") else _part(element, "sub")
    above = "" if _is_on(element, "supHide") else _part(element, "sup")
    return f"{operator}{scripts(below, above)} {_part(element, 'e')}"


def _delimited(element: Element) -> str:
    opening, closing = (_property(element, name) for name in ("begChr", "endChr"))
    separator = _property(element, "sepChr")
    inner = f" {'|' if separator is None else separator} ".join(
        _write_children(part).strip() for part in element.findall(f"{M}e")
    )
    left, right = fence(opening, "("), fence(closing, ")")
    return rf"\left{left}{inner}\right{right}"


def _matrix(element: Element) -> str:
    return matrix(
        [[_write_children(cell).strip() for cell in row.findall(f"{M}e")] for row in element.findall(f"{M}mr")]
    )


def _equations(element: Element) -> str:
    rows = (_write_children(row).strip().replace(r"\&", "&") for row in element.findall(f"{M}e"))
    return rf"\begin{{aligned}}{ROW_END.join(rows)}\end{{aligned}}"


def _function(element: Element) -> str:
    name = function_name(_without_text(_part(element, "fName")))
    argument = _part(element, "e")
    return f"{name} {argument}" if name[-1:].isalpha() else f"{name}{argument}"


def _without_text(name: str) -> str:
    """The name of a function that is typed as plain text."""
    is_text = name.startswith(r"\text{") and name.endswith("}")
    return name.removeprefix(r"\text{").removesuffix("}") if is_text else name


def _limit_below(element: Element) -> str:
    base, limit = _part(element, "e"), _part(element, "lim")
    plain = _without_text(base)
    return rf"\{plain}_{{{limit}}}" if plain in FUNCTIONS else rf"\underset{{{limit}}}{{{base}}}"


def _limit_above(element: Element) -> str:
    return rf"\overset{{{_part(element, 'lim')}}}{{{_part(element, 'e')}}}"


def _accent(element: Element) -> str:
    character = _property(element, "chr")
    command = ACCENTS.get("\u0302" if character is None else character, r"\hat")
    return f"{command}{{{_part(element, 'e')}}}"


def _bar(element: Element) -> str:
    command = r"\overline" if _property(element, "pos") == "top" else r"\underline"
    return f"{command}{{{_part(element, 'e')}}}"


def _grouped(element: Element) -> str:
    character, is_above = _property(element, "chr") or "⏟", _property(element, "pos") == "top"
    command = ACCENTS.get(character) or (r"\overbrace" if is_above else r"\underbrace")
    return f"{command}{{{_part(element, 'e')}}}"


_WRITERS: dict[str, Callable[[Element], str]] = {
    "f": _fraction,
    "rad": _radical,
    "sSub": _scripts,
    "sSup": _scripts,
    "sSubSup": _scripts,
    "sPre": _scripts_before,
    "nary": _n_ary,
    "d": _delimited,
    "m": _matrix,
    "eqArr": _equations,
    "func": _function,
    "limLow": _limit_below,
    "limUpp": _limit_above,
    "acc": _accent,
    "bar": _bar,
    "groupChr": _grouped,
    "borderBox": lambda element: rf"\boxed{{{_part(element, 'e')}}}",
    "phant": lambda element: "" if _property(element, "show") in {"0", "off", "false"} else _part(element, "e"),
}
