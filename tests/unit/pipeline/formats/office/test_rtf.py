"""An RTF file is read as Word shows it, in the letters of its fonts."""

import pytest

from pipeline.formats.content import Unreadable
from pipeline.formats.office.rtf.reader import read_rtf

FONTS = (
    rb"{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset204 Arial;}{\f2\fcharset2 Symbol;}{\f3 Consolas;}"
    rb"{\f4\fcharset128 M;}}"
)
STYLES = rb"{\stylesheet{Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}{\s3 Title;}{\s4 toc 1;}{\*\cs5 Char;}}"
HEAD = rb"{\rtf1\ansi\ansicpg1252\deff0" + FONTS + STYLES


def text_of(body: bytes, head: bytes = HEAD) -> str:
    return read_rtf(head + body + b"}").text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(rb"\f1\'cf\'f0\'e8\'e2\'e5\'f2\par", "Привет", id="font with a character set"),
        pytest.param(rb"\'e9t\'e9 \emdash  \'ab\'bb\par", "été — «»", id="codepage of the file"),
        pytest.param(rb"\u1055?\u1088\'3f\u1080?\par", "При", id="unicode with replacements"),
        pytest.param(rb"\uc0\u1055\u1088\uc1 \u-10179?\u-8704?\par", "Пр😀", id="unicode of two units"),
        pytest.param(rb"\f4\'93\'fa\'96\'7b\par", "日本", id="letters of two bytes"),
        pytest.param(rb"\f2\'61\f0  = 1\par", "α = 1", id="symbol font"),
        pytest.param(rb"3\'b710{\super 8} H{\sub 2}O{\super }\par", "3·10⁸ H₂O", id="raised and lowered"),
        pytest.param(rb"10{\up6 8}\par", "10⁸", id="raised by points"),
        pytest.param(rb"a{\v hidden}b{\deleted gone}\par", "ab", id="hidden and deleted"),
        pytest.param(rb"in\-dex well\_known a\~b\{\}\\ \par", r"index well-known a b{}\ ".strip(), id="signs"),
        pytest.param(rb"a\line b\par", "a\nb", id="line"),
        pytest.param(rb"{\upr{old}{\*\ud{new}}}\par", "new", id="text in two codes"),
        pytest.param(rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt link}} end\par", "link end", id="field"),
        pytest.param(
            rb"{\header head\par}{\*\unknown x}{\pict 0102}{\info{\author A}}a\par", "a", id="what is no text"
        ),
        pytest.param(rb"a{\pict\bin5 }}}}}}b\par", "ab", id="bytes of a picture"),
        pytest.param(
            rb"{\listtext 1.\tab}a\par{\listtext\f2\'b7\tab}\ilvl1 b\par", "1. a\n\n  - b", id="marks of lists"
        ),
        pytest.param(rb"a{\footnote\pard note\par} b\par c\par", "a b\n\nnote\n\nc", id="note without a mark"),
        pytest.param(
            rb"a{\super\chftn}{\footnote{\super\chftn} note} b\par c\par", "a[1] b\n\n[1] note\n\nc", id="note"
        ),
        pytest.param(
            rb"a{\shp{\*\shpinst{\sp{\sn n}{\sv 1}}{\shptxt\pard box\par}}} b\par", "a b\n\nbox", id="text box"
        ),
        pytest.param(rb"\f3 if x:\par     go\par\f0 a\par", "```\nif x:\n    go\n```\n\na", id="code"),
        pytest.param(rb"a\par", "a", id="text after an unknown word"),
        pytest.param(rb"}}}a\par", "a", id="too many braces"),
        pytest.param(rb"{{{a\par", "a", id="too few braces"),
    ],
)
def test_what_a_document_shows(body: bytes, text: str) -> None:
    assert text_of(body) == text


def test_styles_and_outline_levels_are_headings_and_contents_are_left_out() -> None:
    body = rb"\pard\s3 T\par\pard\s1 A\par\pard\s4 A 3\par\pard\s2 B\par\pard\outlinelevel2 C\par\pard t\par"
    content = read_rtf(HEAD + body + b"}")
    assert [(found.level, found.text) for found in content.headings] == [(1, "T"), (2, "A"), (3, "B"), (4, "C")]
    assert content.text.endswith("#### C\n\nt")
    contents = rb"{\field{\*\fldinst TOC \\o}{\fldrslt A 3\par B 4}}\par\pard t\par"
    assert text_of(contents) == "t"


def test_each_row_of_a_table_is_a_line() -> None:
    row = rb"\trowd\cellx1\cellx2\pard\intbl %s\cell %s\cell\row"
    merged = rb"\trowd\clvmgf\cellx1\clvmrg\cellx2\pard\intbl x\cell y\cell\row"
    text = text_of(b"a\\par" + row % (b"b\\par c", b"d") + merged + rb"\pard e\par")
    assert text == "a\n\n| b c | d |\n| --- | --- |\n| x |  |\n\ne"


def test_groups_keep_the_properties_of_paragraphs_to_themselves() -> None:
    assert text_of(rb"{\pard\s1 A\par}b\par") == "# A\n\nb"
    assert (
        text_of(rb"\trowd\cellx1\cellx2{{\pard\intbl a\par}\cell}{{\pard\intbl b\par}\cell}{\row}c\par") == "a | b\n\nc"
    )


def test_title_of_the_properties_is_that_of_the_document() -> None:
    assert read_rtf(HEAD + rb"{\info{\title Lectures}}\pard\s2 A\par t\par}").title == "Lectures"


def test_file_that_is_no_rtf_or_nested_too_deeply_is_refused() -> None:
    for data in (b"text", HEAD + b"{" * 20_000):
        with pytest.raises(Unreadable):
            read_rtf(data)
