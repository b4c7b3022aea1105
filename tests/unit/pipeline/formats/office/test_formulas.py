"""Formulas of Word and PowerPoint are written in LaTeX."""

import pytest

from pipeline.formats.office.formulas.omml import write_formula
from pipeline.formats.office.package import parse_xml
from tests.unit.pipeline.formats.office.word_files import NAMESPACES


def run(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def part(name: str, *inner: str) -> str:
    """An element of runs, or of other elements."""
    return f"<m:{name}>{''.join(piece if piece.startswith('<') else run(piece) for piece in inner)}</m:{name}>"


def prop(name: str, **values: str) -> str:
    values_of = "".join(f'<m:{key} m:val="{value}"/>' for key, value in values.items())
    return f"<m:{name}>{values_of}</m:{name}>"


def e(*inner: str) -> str:
    return part("e", *inner)


LIMIT = part("limLow", e("lim"), part("lim", "x→0"))
MATRIX = part("m", part("mr", e("1"), e("2")), part("mr", e("3"), e("4")))


@pytest.mark.parametrize(
    ("omml", "latex"),
    [
        (part("f", part("num", "a"), part("den", "b")), r"\frac{a}{b}"),
        (part("f", prop("fPr", type="noBar"), part("num", "n"), part("den", "k")), r"\binom{n}{k}"),
        (part("f", prop("fPr", type="lin"), part("num", "a"), part("den", "b")), "{a}/{b}"),
        (part("sSup", e("x"), part("sup", "2")), "x^{2}"),
        (part("sSub", e("ab"), part("sub", "i")), "{ab}_{i}"),
        (part("sSubSup", e("α"), part("sub", "i"), part("sup", "2")), r"\alpha_{i}^{2}"),
        (part("sPre", part("sub", "1"), part("sup", "2"), e("X")), "{}_{1}^{2}X"),
        (part("nary", prop("naryPr", chr="∑"), part("sub", "i=1"), part("sup", "n"), e("i")), r"\sum_{i=1}^{n} i"),
        (part("nary", prop("naryPr", supHide="1"), part("sub", "V"), part("sup", "x"), e("f")), r"\int_{V} f"),
        (part("rad", prop("radPr", degHide="on"), part("deg"), e("x")), r"\sqrt{x}"),
        (part("rad", part("deg", "3"), e("x")), r"\sqrt[3]{x}"),
        (part("d", e("a"), e("b")), r"\left(a | b\right)"),
        (part("d", prop("dPr", begChr="[", endChr="⟩"), e("a")), r"\left[a\right\rangle"),
        (
            part("d", prop("dPr", begChr="{", endChr=""), e(part("eqArr", e("x=1"), e("y&amp;=2")))),
            r"\left\{\begin{aligned}x=1 \\ y&=2\end{aligned}\right.",
        ),
        (
            part("d", prop("dPr", begChr="|", endChr="|"), e(MATRIX)),
            r"\left|\begin{matrix}1 & 2 \\ 3 & 4\end{matrix}\right|",
        ),
        (part("func", part("fName", "sin"), e("x")), r"\sin x"),
        (part("func", part("fName", "ch"), e("x")), r"\operatorname{ch}x"),
        (part("func", part("fName", LIMIT), e("f")), r"\lim_{x\to 0}f"),
        (part("limUpp", e("x"), part("lim", "n")), r"\overset{n}{x}"),
        (part("acc", prop("accPr", chr="\u20d7"), e("v")), r"\vec{v}"),
        (part("acc", e("v")), r"\hat{v}"),
        (part("bar", prop("barPr", pos="top"), e("v")), r"\overline{v}"),
        (part("groupChr", e("v")), r"\underbrace{v}"),
        (part("borderBox", e("v")), r"\boxed{v}"),
        (part("box", e("v")), "v"),
        (run("α+β ≤ 50% π r, ℝ, 𝑥𝐲"), r"\alpha +\beta \leq 50\% \pi r, \mathbb{R} , xy"),
        (f"<m:r>{part('rPr', '<m:nor/>')}<m:t>если </m:t></m:r>", r"\text{если }"),
        (f"<w:ins>{run('y')}</w:ins><w:del>{run('z')}</w:del>", "y"),
        (part("unknown", "x"), "x"),
    ],
)
def test_each_kind_of_formula(omml: str, latex: str) -> None:
    assert write_formula(parse_xml(f"<m:oMath {NAMESPACES}>{omml}</m:oMath>".encode())) == f"${latex}$"


def test_paragraph_of_formulas_stands_for_itself_and_empty_ones_are_nothing() -> None:
    both = f"<m:oMathPara {NAMESPACES}>{part('oMath', 'x')}{part('oMath', 'y')}</m:oMathPara>"
    assert write_formula(parse_xml(both.encode())) == r"$$x \\ y$$"
    assert write_formula(parse_xml(f"<m:oMath {NAMESPACES}>{run(' ')}</m:oMath>".encode())) == ""
