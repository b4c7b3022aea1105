"""Which keys of a JWKS endpoint are accepted, and how a bad endpoint fails."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.auth.jwks import MAX_BYTES, MAX_KEY_ID, JwksError, fetch_keys, read_keys
from tests.jwks import Endpoint, jwks_endpoint, make_key
from tests.receivers import flood, say, speaking

EC, RSA, ED = make_key("ES256", "e"), make_key("RS256", "r"), make_key("EdDSA", "d")
OTHER = make_key("ES256", "e")


def read(*entries: Any) -> list[tuple[str, str]]:
    return list(read_keys(json.dumps({"keys": entries}).encode()))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with jwks_endpoint() as endpoint:
        yield endpoint


@pytest.mark.parametrize("key", [EC, RSA, ED], ids=lambda key: key.algorithm)
def test_a_key_is_fixed_to_its_algorithm(key: Any) -> None:
    for entry in (key.jwk(), key.jwk(alg=None), key.jwk(use=None, key_ops=None), key.jwk(key_ops=["verify"], x5t="a")):
        assert read(entry) == [(key.kid, key.algorithm)]
    [found] = read_keys(json.dumps({"keys": [key.jwk()]}).encode()).values()
    assert found.algorithm_name == key.algorithm


def public(library: Any, key: Any, **more: Any) -> dict[str, Any]:
    return {**library.to_jwk(key.public_key(), as_dict=True), "kid": "k", **more}


LEFT_OUT: dict[str, Any] = {
    "a secret": {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "k", "alg": "HS256"},
    "a secret under another name": {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "k", "alg": "ES256", "crv": "P-256"},
    "for encryption": RSA.jwk(use="enc"),
    "for signing": EC.jwk(key_ops=["sign"]),
    "for nothing": EC.jwk(key_ops=[]),
    "for text": EC.jwk(key_ops="verify"),
    "private EC": ECAlgorithm.to_jwk(EC.private, as_dict=True) | {"kid": "k"},
    "private RSA": RSAAlgorithm.to_jwk(RSA.private, as_dict=True) | {"kid": "k", "key_ops": ["verify"]},
    "private Ed25519": OKPAlgorithm.to_jwk(ED.private, as_dict=True) | {"kid": "k"},
    "no id": EC.jwk(kid=None),
    "an empty id": EC.jwk(kid=""),
    "a number for an id": EC.jwk(kid=1),
    "a list for an id": EC.jwk(kid=["e"]),
    "a long id": EC.jwk(kid="k" * (MAX_KEY_ID + 1)),
    "weak": public(RSAAlgorithm, rsa.generate_private_key(65537, 1024)),
    "P-384": public(ECAlgorithm, ec.generate_private_key(ec.SECP384R1())),
    "P-521": public(ECAlgorithm, ec.generate_private_key(ec.SECP521R1())),
    "secp256k1": public(ECAlgorithm, ec.generate_private_key(ec.SECP256K1())),
    "Ed448": public(OKPAlgorithm, ed448.Ed448PrivateKey.generate()),
    "X25519": {**ED.jwk(), "crv": "X25519"},
    "the curve of another": EC.jwk(crv="P-384"),
    "no curve": EC.jwk(crv=None),
    "a curve where there is none": RSA.jwk(crv="P-256"),
    "RSA for RS512": RSA.jwk(alg="RS512"),
    "RSA for PS256": RSA.jwk(alg="PS256"),
    "RSA for ES256": RSA.jwk(alg="ES256"),
    "RSA for HS256": RSA.jwk(alg="HS256"),
    "RSA for none": RSA.jwk(alg="none"),
    "a list of algorithms": RSA.jwk(alg=["RS256"]),
    "a list of types": EC.jwk(kty=["EC"]),
    "without its half": EC.jwk(y=None),
    "not on the curve": EC.jwk(y=OTHER.jwk()["y"]),
    "no number": RSA.jwk(n="!"),
    "no text": RSA.jwk(n=5),
    "no modulus": RSA.jwk(n=None),
    "too short": ED.jwk(x="AAAA"),
    "no object": "key",
    "null": None,
    "a list": [EC.jwk()],
}


@pytest.mark.parametrize("entry", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_key_that_can_verify_no_token_is_skipped(entry: Any) -> None:
    assert read(entry) == []
    assert read(ED.jwk(), entry, RSA.jwk()) == [("d", "EdDSA"), ("r", "RS256")]


def test_keys_that_share_an_id_are_skipped() -> None:
    assert read(EC.jwk(), OTHER.jwk(), ED.jwk()) == [("d", "EdDSA")]
    assert read(EC.jwk(), EC.jwk()) == []


def test_keys_of_different_algorithms_may_share_an_id() -> None:
    assert read(EC.jwk(), ED.jwk(kid="e")) == [("e", "ES256"), ("e", "EdDSA")]


def test_a_jwks_without_keys_is_valid() -> None:
    assert read() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"keys"', b"{}", b'{"keys": {}}', b"\xff", b"[" * 9000])
def test_a_response_that_is_no_jwks_is_an_error(endpoint: Endpoint, body: bytes) -> None:
    endpoint.body = body
    with pytest.raises(JwksError):
        fetch_keys(endpoint.url)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=6,
)
members = st.fixed_dictionaries(
    {},
    optional={
        "kty": st.sampled_from(["EC", "RSA", "OKP", "oct"]) | any_json,
        "crv": st.sampled_from(["P-256", "Ed25519"]) | any_json,
        **{name: st.from_regex(r"[A-Za-z0-9_-]{0,60}", fullmatch=True) | any_json for name in ("x", "y", "n", "e")},
        **dict.fromkeys(("alg", "use", "key_ops", "d"), any_json),
    },
)


@given(entry=members, base=st.sampled_from([{}, EC.jwk(), RSA.jwk(), ED.jwk()]))
def test_any_entry_is_accepted_or_skipped(entry: dict[str, Any], base: dict[str, Any]) -> None:
    assert len(read({"kid": "k", **base, **entry})) <= 1


def test_keys_are_fetched(endpoint: Endpoint) -> None:
    endpoint.show(EC, RSA, ED)
    assert list(fetch_keys(endpoint.url)) == [("e", "ES256"), ("r", "RS256"), ("d", "EdDSA")]


def test_proxies_of_the_environment_are_not_used(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch_keys(endpoint.url)
    assert endpoint.asked == 1


def test_a_redirect_is_not_followed(endpoint: Endpoint) -> None:
    with jwks_endpoint() as other:
        endpoint.status, endpoint.headers = 302, {"Location": other.url}
        with pytest.raises(JwksError, match="status 302"):
            fetch_keys(endpoint.url)
        assert other.asked == 0


@pytest.mark.parametrize("status", [204, 404, 500])
def test_another_status_is_an_error(endpoint: Endpoint, status: int) -> None:
    endpoint.status = status
    with pytest.raises(JwksError, match=f"status {status}"):
        fetch_keys(endpoint.url)


def test_an_answer_beyond_the_bound_is_not_read(endpoint: Endpoint) -> None:
    endpoint.body = b'{"keys": []}' + b" " * MAX_BYTES
    with pytest.raises(JwksError, match="more than"):
        fetch_keys(endpoint.url)


def test_a_refused_connection_is_an_error() -> None:
    with pytest.raises(JwksError):
        fetch_keys("http://127.0.0.1:9/jwks")
    with pytest.raises(JwksError):
        fetch_keys("https://127.0.0.1:9/jwks")


def test_a_plain_answer_to_https_is_an_error(endpoint: Endpoint) -> None:
    with pytest.raises(JwksError):
        fetch_keys(endpoint.url.replace("http://", "https://"))


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: </a>"])
def test_interim_responses_are_skipped(interim: str) -> None:
    body = json.dumps({"keys": [EC.jwk()]}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    with speaking(say(f"HTTP/1.1 {interim}\r\n\r\n".encode() * 3 + head.encode() + body)) as port:
        assert list(fetch_keys(f"http://127.0.0.1:{port}/")) == [("e", "ES256")]


def test_endless_interim_responses_are_an_error() -> None:
    with speaking(flood(b"HTTP/1.1 100 Continue\r\n\r\n")) as port, pytest.raises(JwksError, match="interim"):
        fetch_keys(f"http://127.0.0.1:{port}/")


def test_an_endpoint_that_trickles_is_left_in_time() -> None:
    """Each byte comes in time for the socket's own timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        left = threading.Event()

        def trickle() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
                try:
                    while not left.wait(0.1):
                        connection.sendall(b" ")
                except OSError:
                    pass

        thread = threading.Thread(target=trickle)
        thread.start()
        begin = time.monotonic()
        with pytest.raises(JwksError):
            fetch_keys(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert time.monotonic() - begin < 3
        left.set()
        thread.join()
