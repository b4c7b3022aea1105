"""Parts of LaTeX formulas."""

import re
from collections.abc import Iterable, Sequence
from unicodedata import normalize

from pipeline.formats.office.formulas.symbols import FUNCTIONS, LATEX

ROW_END = r" \\ "
_SPECIAL = {"\\": r"\backslash ", **{character: f"\\{character}" for character in "{}$%#_&"}}
_MATH_LETTERS = "\U0001d400", "\U0001d7ff"
_STYLED = re.compile(r"^\{\\(?:displaystyle|textstyle)\s+(.*)\}$", re.DOTALL)


def show_tex(tex: str) -> str:
    """A formula that is LaTeX already, between `$`; empty for none."""
    tex = " ".join(tex.split())
    styled = _STYLED.match(tex)
    tex = (styled[1] if styled else tex).strip().strip("$").strip()
    return f"${tex}$" if tex else ""


def write_character(character: str) -> str:
    """A sign by its name, a slanted or bold letter as a plain one."""
    if _MATH_LETTERS[0] <= character <= _MATH_LETTERS[1]:
        character = normalize("NFKC", character)
    return _SPECIAL.get(character) or LATEX.get(character, character)


def write_text(text: str) -> str:
    """Plain text within a formula."""
    return rf"\text{{{''.join(_SPECIAL.get(character, character) for character in text)}}}" if text.strip() else ""


def write_base(base: str) -> str:
    """The base of a script: in braces unless it is one sign or one command."""
    return base if len(base) <= 1 or (base[0] == "\\" and base[1:].isalpha()) else f"{{{base}}}"


def fence(character: str | None, usual: str) -> str:
    """A bracket of any height; the usual one for None, an invisible one for nothing."""
    character = usual if character is None else character
    if not character:
        return "."
    command = LATEX.get(character, character).strip()
    return f"\\{command}" if command in {"{", "}"} else f"{command} " if command.startswith("\\") else command


def scripts(below: str, above: str) -> str:
    return (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def matrix(rows: Iterable[Sequence[str]]) -> str:
    return rf"\begin{{matrix}}{ROW_END.join(' & '.join(row) for row in rows)}\end{{matrix}}"


def function_name(name: str) -> str:
    """The name of a function as a command; what is no name as it is."""
    if name in FUNCTIONS:
        return f"\\{name}"
    return rf"\operatorname{{{name}}}" if name.isalpha() and len(name) > 1 else name
