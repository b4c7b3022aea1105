"""Bytes become text in the encodings that instructors' files come in."""

import codecs

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.formats.content import Unreadable
from pipeline.formats.encoding import decode_text

RUSSIAN = "Привет, «мир» — ёлка № 5"
LONGER = "Глава первая\n\nЭто обычный русский текст, который читает любой редактор.\n" * 9


@pytest.mark.parametrize(
    "data",
    [
        RUSSIAN.encode(),
        RUSSIAN.encode("utf-8-sig"),
        RUSSIAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + RUSSIAN.encode("utf-16-be"),
        RUSSIAN.encode("utf-32"),
        RUSSIAN.encode("cp1251"),
        RUSSIAN.encode("utf-16-le"),
        RUSSIAN.encode("utf-16-be"),
    ],
)
def test_encoding_is_recognised(data: bytes) -> None:
    assert decode_text(data) == RUSSIAN


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        *((codec, LONGER.rstrip()) for codec in ("koi8-r", "cp866", "cp855", "mac-cyrillic", "iso8859-5", "cp1251")),
        ("koi8-u", "Це звичайний український текст її"),
        ("cp1252", "“Smart” quotes—and a dash, it’s plain English otherwise."),
        ("cp1252", "café à la crème"),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
        ("iso8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
        ("cp1253", "Καλημέρα κόσμε, αυτό είναι ένα κείμενο"),
        ("cp1254", "Merhaba dünya, çok güzel şey"),
        ("cp1255", "זה טקסט רגיל בעברית שכל דפדפן מציג"),
        ("cp1256", "هذا نص عادي باللغة العربية"),
        ("gb18030", "你好世界，这是测试"),
        ("big5", "這是一個測試文件"),
        ("euc-kr", "안녕하세요 세계"),
        ("cp932", "これは日本語の文章です。"),
        ("euc-jp", "これは日本語の文章です。"),
        ("iso2022_jp", "これは日本語の文章です。"),
        ("hz", "这是普通的中文文本，没有什么特别的。"),
    ],
)
def test_what_no_mark_or_declaration_names_is_detected(codec: str, text: str) -> None:
    assert decode_text(text.encode(codec)) == text


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (LONGER.encode() + b"\xff\n", LONGER + "\ufffd"),
        ("Привет".encode()[:-1], "Приве\ufffd"),
        (LONGER.encode("cp1251") + b"\x98\n", LONGER + "\ufffd"),
        (b"\xff" + "これは日本語の文章です。\n".encode("euc-jp") * 30, "\ufffd" + "これは日本語の文章です。\n" * 30),
        (LONGER.encode("koi8-r") + b"\0", LONGER),
        (codecs.BOM_UTF8 + b"plain English " * 9 + b"\x98", "plain English " * 9 + "\ufffd"),
    ],
)
def test_broken_bytes_cost_no_more_than_themselves(data: bytes, shown: str) -> None:
    assert decode_text(data) == shown.rstrip()


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + b"\xff",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\x00\x01\x02\x03",
        "Größe".encode("mac-roman"),
    ],
)
def test_what_can_not_be_told_is_refused_rather_than_garbled(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_text(data)


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("koi8-r", "koi8-r", "Привет"),
        ("windows-1251", "cp1251", "Привет"),
        ("iso-8859-1", "cp1252", "naïve café “so”"),
        ("latin2", "iso8859-2", "Zażółć gęślą jaźń"),
        ("x-cp1250", "cp1250", "Žluťoučký"),
        ("x-sjis", "cp932", "日本語"),
        ("GB2312", "gb18030", "镕基"),
        ("ks_c_5601-1987", "cp949", "안녕"),
        ("csbig5", "big5", "測試"),
        ("logical", "cp1255", "שלום"),
        ("x-mac-ukrainian", "mac-cyrillic", "Привет"),
        ("utf8", "utf-8", "Привет"),
    ],
)
def test_declared_charset_is_believed_by_the_webs_table(declared: str, codec: str, text: str) -> None:
    assert decode_text(text.encode(codec), declared) == text


@pytest.mark.parametrize("declared", ["utf-8", "utf-16", "zip", "idna", "no-such-charset", "utf-7", "x-user-defined"])
def test_wrong_or_unknown_declaration_is_ignored(declared: str) -> None:
    assert decode_text(RUSSIAN.encode("cp1251"), declared) == RUSSIAN


@pytest.mark.parametrize("declared", ["windows-1251", "iso-8859-1", "koi8-r", "shift_jis"])
def test_a_text_that_is_utf_8_is_read_so_whatever_it_declares(declared: str) -> None:
    assert decode_text(LONGER.encode(), declared) == LONGER.rstrip()


def test_byte_order_mark_outweighs_the_declaration() -> None:
    assert decode_text(RUSSIAN.encode("utf-8-sig"), "windows-1251") == RUSSIAN


def test_text_is_normalised() -> None:
    text = "a\r\nb\rc\0 \n\ufeff" + "d" * 100 + "со\u00adвет\n \n"
    assert decode_text(text.encode("utf-8-sig")) == "a\nb\nc \n" + "d" * 100 + "совет"


@settings(max_examples=40)
@given(st.binary(max_size=200), st.sampled_from([None, "windows-1251", "shift_jis", "utf-8", "x"]))
@example(b"\x1b$", None)
@example(b"~{~}", None)
@example(b"\x00" * 9, None)
def test_any_bytes_are_text_or_refused(data: bytes, declared: str | None) -> None:
    try:
        text = decode_text(data, declared)
    except Unreadable:
        return
    assert not set(text) & set("\0\r\ufeff\u00ad")


@given(st.text("абвгдежзийклмнопрстуфхцчшщъыьэюя АБВГ.", min_size=1), st.sampled_from(["koi8-r", "cp1251", "ibm866"]))
def test_declared_text_comes_back(text: str, label: str) -> None:
    assert decode_text(text.encode(label), label) == text.rstrip()
