"""What of the library's handling of tokens is replaced does the same as the library."""

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWS

from app.auth.tokens import _SecretsAlgorithm, _Segments
from tests.unit.http.test_auth_keys import RSA, pem


def decoded(jws: type[PyJWS], segment: bytes) -> bytes | None:
    """None where the segment is refused."""
    try:
        return jws._decode_base64url_segment(segment, "payload")
    except jwt.DecodeError:
        return None


@given(st.text("ABCabc019-_+/ \n\xe9", max_size=9).map(lambda text: text.encode("latin-1")))
def test_a_segment_is_decoded_or_refused_as_the_library_would(segment: bytes) -> None:
    assert decoded(_Segments, segment) == decoded(PyJWS, segment)


def test_a_segment_with_padding_is_refused() -> None:
    assert decoded(PyJWS, b"YQ==") == b"a"
    assert decoded(_Segments, b"YQ==") is None


def test_a_public_key_is_no_secret_however_often_it_is_shown() -> None:
    algorithm = _SecretsAlgorithm()
    assert algorithm.prepare_key(b"s" * 32) == b"s" * 32
    for _ in range(2):
        with pytest.raises(jwt.InvalidKeyError):
            algorithm.prepare_key(pem(RSA))
    assert algorithm.prepare_key(b"s" * 32) == b"s" * 32
