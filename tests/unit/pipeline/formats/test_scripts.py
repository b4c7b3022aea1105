import pytest

from pipeline.formats.scripts import subscript, superscript


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("8", "⁸"),
        ("-19", "⁻¹⁹"),
        ("n", "ⁿ"),
        (" 2 ", " ² "),
        ("iπ", "^(iπ)"),
        ("T", "^(T)"),
        ("o", "°"),
        ("st", "st"),
        ("[12]", "[12]"),
        ("*", "*"),
        ("", ""),
        (
            "a raised passage, which is far too long to be an exponent",
            "a raised passage, which is far too long to be an exponent",
        ),
    ],
)
def test_raised_text_stays_apart_from_what_it_stands_on(text: str, shown: str) -> None:
    assert superscript(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("2", "₂"), ("i+1", "ᵢ₊₁"), ("кин", "_(кин)"), ("max", "ₘₐₓ"), (" ", " ")])
def test_lowered_text_stays_apart_from_what_it_stands_on(text: str, shown: str) -> None:
    assert subscript(text) == shown
