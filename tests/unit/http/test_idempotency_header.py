"""Values of the header `Idempotency-Key`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.error_responses import Invalid
from app.http.idempotency_header import parse_key

#: What a WSGI server may hand on of a header's value: bytes, read as Latin-1.
latin = st.text(st.characters(max_codepoint=255), max_size=600)
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)


def quote(key: str) -> str:
    """The key as a string of RFC 8941."""
    return '"{}"'.format(key.replace("\\", "\\\\").replace('"', '\\"'))


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("order 12", "order 12"),
        (" \tpadded ", "padded"),
        ('"  "', "  "),
        ('"a, b"', "a, b"),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        ("a\\b", "a\\b"),
        ("a;b=c", "a;b=c"),
        ("x" * 255, "x" * 255),
        (quote('"' * 255), '"' * 255),
    ],
)
def test_a_key_is_bare_or_quoted(value: str, key: str) -> None:
    assert parse_key(value) == key


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", '""', '"', '"a', 'a"', 'a"b', '"a"b"', '"a" "b"'),
        *("x" * 256, quote("x" * 256), quote('"' * 256)),
        *("a, b", '"a", "b"', '"a";p=1', '"\\a"', '"a\\"'),
        *("ключ".encode().decode("latin-1"), "\xff", '"\xe9"', "a\0b", "a\tb", '"a\tb"', "a\x7f", "a\nb"),
    ],
)
def test_any_other_value_is_refused(value: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_key(value)
    response = refused.value.response
    assert (response.status, response.code) == (400, "invalid_idempotency_key")
    assert response.details is not None
    assert response.details.keys() == {"field", "value", "expected"}
    assert response.details["field"] == "Idempotency-Key"
    assert len(str(response.details["value"])) <= 101


@given(printable)
def test_every_printable_text_is_a_key_when_it_is_quoted(key: str) -> None:
    assert parse_key(quote(key)) == key


@given(latin)
def test_every_value_is_a_key_or_refused(value: str) -> None:
    try:
        key = parse_key(value)
    except Invalid as refused:
        assert refused.response.status == 400
    else:
        assert 1 <= len(key) <= 255
        assert key.isascii()
        assert key.isprintable()
