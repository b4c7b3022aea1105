"""Bytes become text in the encodings that instructors' files come in."""

import codecs

import pytest

from pipeline.formats.content import Unreadable
from pipeline.formats.encoding import decode_text

RUSSIAN = "Привет, «мир» — ёлка № 5"


@pytest.mark.parametrize(
    "data",
    [
        RUSSIAN.encode(),
        RUSSIAN.encode("utf-8-sig"),
        RUSSIAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + RUSSIAN.encode("utf-16-be"),
        RUSSIAN.encode("utf-32"),
        RUSSIAN.encode("cp1251"),
    ],
)
def test_encoding_is_recognised(data: bytes) -> None:
    assert decode_text(data) == RUSSIAN


@pytest.mark.parametrize(
    "data",
    [
        "café à la crème".encode("cp1252"),
        "Привет, Мир и Труд".encode("koi8-r"),
        "Привет".encode()[:-1],
        "Привет".encode("utf-16-le"),
        codecs.BOM_UTF8 + b"\xff",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\x00\x01\x02\x03",
    ],
)
def test_what_can_not_be_told_is_refused_rather_than_garbled(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_text(data)


@pytest.mark.parametrize(
    ("declared", "codec"), [("koi8-r", "koi8-r"), ("windows-1251", "cp1251"), ("iso-8859-1", "cp1252")]
)
def test_declared_charset_is_believed(declared: str, codec: str) -> None:
    text = "naïve café" if codec == "cp1252" else "Привет"
    assert decode_text(text.encode(codec), declared) == text


@pytest.mark.parametrize("declared", ["utf-8", "zip", "idna", "no-such-charset", "utf-7"])
def test_wrong_or_unknown_declaration_is_ignored(declared: str) -> None:
    assert decode_text(RUSSIAN.encode("cp1251"), declared) == RUSSIAN


def test_byte_order_mark_outweighs_the_declaration() -> None:
    assert decode_text(RUSSIAN.encode("utf-8-sig"), "windows-1251") == RUSSIAN


def test_text_is_normalised() -> None:
    text = "a\r\nb\rc\0 \n" + "d" * 100 + "\n \n"
    assert decode_text(text.encode()) == "a\nb\nc \n" + "d" * 100
