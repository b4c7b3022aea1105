"""Texts of one sign again and again are read, also where a search could try each of their places."""

from collections.abc import Callable

import pytest

from pipeline.briefing.points import find_key_points
from pipeline.drafting.carrying import find_table_head
from pipeline.formats.blocks import Blocks
from pipeline.formats.encoding import decode_text
from pipeline.formats.markdown import read_markdown
from pipeline.formats.office.composition import compose
from pipeline.formats.office.model import Paragraph, Piece
from pipeline.formats.pdf.furniture.contents import remove_contents
from pipeline.formats.pdf.hyphens import Joiner
from pipeline.formats.pdf.lines import Font, Line
from pipeline.formats.plain_text import read_plain_text
from pipeline.outline.names.titles import clean_title

_MANY = 100_000


def _read_plain(text: str) -> str:
    return read_plain_text(text.encode()).text


def _read_markdown(text: str) -> str:
    return read_markdown(text.encode()).text


def _compose(text: str) -> str:
    blocks = Blocks()
    compose([Paragraph([Piece(text)])], blocks)
    return blocks.finish().text


def _join(text: str) -> str:
    return Joiner([text]).join([(text, False)])


def _lay_out(text: str) -> str:
    pages, _ = remove_contents([[Line(0, text, 10, Font(), 0, 100, 0, 10)]])
    return pages[0][0].text


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((_read_plain, f"a{sign * _MANY}b1") for sign in (".", " .", "…", "\t", " ")),
        *((_read_markdown, text) for text in ("<h1>" * _MANY, "<h1 " * _MANY + "<", f"<h1>{'<' * _MANY}")),
        (_read_markdown, f"# a{' ' * _MANY}b {{#c"),
        *((_compose, f"a{sign * _MANY}b") for sign in (".", ". ", "…")),
        *((_lay_out, f"a{sign * _MANY}b") for sign in (".", ". ", "…")),
        (_join, "a" * _MANY),
    ],
)
def test_text_stays(read: Callable[[str], str], text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize("sign", [".", ". ", " ", "\t", "{#"])
def test_title_is_cut(sign: str) -> None:
    assert clean_title(f"Основы {sign * _MANY}b").startswith("Основы")


def test_other_searches() -> None:
    assert len(find_key_points(f"a{' и a' * _MANY}")) < _MANY
    assert find_key_points(f"a{' ' * _MANY}b") == ()
    rows = f"{' ' * _MANY}x|\n-{' ' * _MANY}x|\n"
    assert find_table_head(f"{rows}|row|", len(rows)) == ""
    letters = "a" * _MANY
    assert letters in decode_text(f"{letters} {'Это обычный русский текст. ' * 10}".encode("cp1251"))
