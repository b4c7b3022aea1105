"""MathML of a page as LaTeX."""

from selectolax.lexbor import LexborNode

from pipeline.formats.office.formulas.mathml import write_mathml
from pipeline.formats.office.package import Element

#: A formula within formulas deeper than this is shown as its letters.
_DEEPEST = 30


def show_formula(math: LexborNode) -> str:
    """The `math` element as LaTeX between dollar signs, "" if it is blank."""
    return write_mathml(_convert(math, 0))


def _convert(node: LexborNode, depth: int) -> Element:
    """The element as one of XML, which the writer of LaTeX reads."""
    children = [child for child in node.iter(include_text=True) if child.tag != "-text" or child.text().strip()]
    is_row = depth < _DEEPEST and any(child.tag != "-text" for child in children)
    tag = node.tag if depth < _DEEPEST and node.tag != "-text" else "mtext"
    element = Element(tag or "", {name: value or "" for name, value in node.attributes.items()})
    if is_row:
        element.extend(_convert(child, depth + 1) for child in children)
    else:
        element.text = node.text()
    return element
