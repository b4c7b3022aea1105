"""Tokens signed with keys of a JWKS endpoint, with and without the secret."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient

from app.auth.remote_keys import RemoteKeys
from tests.answers import assert_error, assert_unauthorized
from tests.jwks import Endpoint, SigningKey, jwks_endpoint, make_key
from tests.tokens import SECRET, make_claims, sign
from tests.unit.http.conftest import USER, MakeClient

EC, RSA, ED = make_key("ES256"), make_key("RS256"), make_key("EdDSA")
KEYS = [EC, RSA, ED]
STRANGER = make_key("ES256", EC.kid)

each_key = pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """The sign-in's endpoint with all its keys."""
    with jwks_endpoint() as endpoint:
        endpoint.show(*KEYS)
        yield endpoint


@pytest.fixture
def client(make_client: MakeClient, endpoint: Endpoint) -> FlaskClient:
    """A client of a service that takes both."""
    return make_client(jwt_jwks_url=endpoint.url)


def ask(client: FlaskClient, token: str) -> Any:
    return client.get("/whoami", headers={"Authorization": f"Bearer {token}"})


def encoded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(algorithm: str, key: Any, claims: dict[str, Any] | None = None, **header: Any) -> str:
    """A token signed as the algorithm signs with this key, with any header."""
    text = (
        f"{encoded({'typ': 'JWT', 'kid': EC.kid, 'alg': algorithm, **header})}.{encoded(claims or make_claims(USER))}"
    )
    signer = jwt.get_algorithm_by_name(algorithm if not header.get("signed_as") else header["signed_as"])
    return f"{text}.{encoded(signer.sign(text.encode(), key))}"


def pem(key: SigningKey) -> bytes:
    return bytes(key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def der(key: SigningKey) -> bytes:
    return bytes(key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@each_key
def test_a_token_of_each_algorithm_is_accepted(client: FlaskClient, key: SigningKey) -> None:
    response = ask(client, key.sign(make_claims(USER, "PREMIUM", app_metadata={"tier": "PREMIUM", "role": "admin"})))
    assert response.json == {"userId": str(USER), "tier": "PREMIUM", "role": "admin", "organization": None}


def test_tokens_of_the_secret_are_accepted_too_under_any_key_id(client: FlaskClient) -> None:
    for headers in ({}, {"kid": "legacy"}, {"kid": EC.kid}):
        assert ask(client, sign(make_claims(USER), **headers)).status_code == 200


def test_without_a_secret_hs256_is_refused(make_client: MakeClient, endpoint: Endpoint) -> None:
    client = make_client(jwt_jwks_url=endpoint.url, jwt_secret=None)
    assert ask(client, EC.sign(make_claims(USER))).status_code == 200
    for secret in (SECRET, "None", "", "null"):
        assert_unauthorized(ask(client, forged("HS256", secret.encode())))


def test_without_an_endpoint_nothing_is_fetched(make_client: MakeClient, endpoint: Endpoint) -> None:
    asked = endpoint.asked
    assert_unauthorized(ask(make_client(), EC.sign(make_claims(USER))))
    assert endpoint.asked == asked


@each_key
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": float("nan")},
        {"exp": "9999999999"},
        {"nbf": 9_999_999_999},
        {"aud": None},
        {"aud": "anon"},
        {"aud": ["anon", "service_role"]},
        {"sub": None},
        {"sub": "42"},
        {"sub": None, "aud": None, "role": "anon", "iss": "supabase"},
        {"sub": None, "aud": None, "role": "service_role", "iss": "supabase"},
    ],
    ids=str,
)
def test_claims_are_checked_for_each_algorithm(client: FlaskClient, key: SigningKey, claims: dict[str, Any]) -> None:
    assert_unauthorized(ask(client, key.sign(make_claims(USER, **claims))))


def test_the_issuer_is_checked_for_keys_of_the_endpoint(make_client: MakeClient, endpoint: Endpoint) -> None:
    client = make_client(jwt_jwks_url=endpoint.url, jwt_issuer="https://auth.example/auth/v1")
    assert ask(client, EC.sign(make_claims(USER, iss="https://auth.example/auth/v1"))).status_code == 200
    assert_unauthorized(ask(client, EC.sign(make_claims(USER))))


FORGED: dict[str, str] = {
    "a stranger's key under a known name": STRANGER.sign(make_claims(USER)),
    "a stranger's key that it brings along": STRANGER.sign(make_claims(USER), jwk=STRANGER.jwk()),
    "a stranger's key that it says where to find": STRANGER.sign(make_claims(USER), jku="http://127.0.0.1:9/jwks"),
    "a stranger's certificate": STRANGER.sign(make_claims(USER), x5u="http://127.0.0.1:9/", x5c=["AAAA"], x5t="A"),
    "a certificate for a name": EC.sign(make_claims(USER), kid=None, x5t=EC.kid),
    "no key id": EC.sign(make_claims(USER), kid=None),
    "an empty key id": EC.sign(make_claims(USER), kid=""),
    "another's key id": EC.sign(make_claims(USER), kid=RSA.kid),
    "a path for a key id": EC.sign(make_claims(USER), kid="../../../../dev/null"),
    "SQL for a key id": EC.sign(make_claims(USER), kid="x' union select 'secret' --"),
    "a URL for a key id": EC.sign(make_claims(USER), kid="http://127.0.0.1:9/key"),
    "NUL for a key id": EC.sign(make_claims(USER), kid="\0"),
    "a huge key id": EC.sign(make_claims(USER), kid="k" * 20_000),
    "a number for a key id": forged("HS256", SECRET.encode(), kid=1),
    "null for a key id": forged("ES256", EC.private, kid=None),
    "a list for a key id": forged("ES256", EC.private, kid=[EC.kid]),
    "an object for a key id": forged("ES256", EC.private, kid={"kid": EC.kid}),
    "HS256 with the public key": forged("HS256", pem(RSA), kid=RSA.kid),
    "HS256 with the public key, cut": forged("HS256", pem(RSA).strip(), kid=RSA.kid),
    "HS256 with the public key in DER": forged("HS256", der(EC)),
    "HS256 with the key as it stands in the set": forged("HS256", json.dumps(EC.jwk()).encode()),
    "HS256 with the coordinate": forged("HS256", base64.urlsafe_b64decode(EC.jwk()["x"] + "=")),
    "HS384 with the public key": forged("HS384", pem(RSA), kid=RSA.kid),
    "ES256 signed with the secret": forged("HS256", SECRET.encode(), alg="ES256", signed_as="HS256"),
    "RS256 signed with the secret": forged("HS256", SECRET.encode(), alg="RS256", kid=RSA.kid, signed_as="HS256"),
    "EdDSA for a key of ES256": forged("EdDSA", ED.private),
    "RS512": forged("RS512", RSA.private, kid=RSA.kid),
    "PS256": forged("PS256", RSA.private, kid=RSA.kid),
    "none": forged("none", None),
    "None": forged("none", None, alg="None"),
    "nOnE": forged("none", None, alg="nOnE"),
    "none after another": f"{encoded({'alg': 'ES256', 'kid': EC.kid})}.{encoded(make_claims(USER))}.AAAA",
    "lower case": forged("ES256", EC.private, alg="es256"),
    "the newer name": forged("EdDSA", ED.private, alg="Ed25519", kid=ED.kid),
    "a list of algorithms": forged("ES256", EC.private, alg=["ES256"]),
    "critical": forged("ES256", EC.private, crit=["exp"], exp=1),
    "critical and unencoded": forged("ES256", EC.private, crit=["b64"], b64=False),
    "all zero": f"{encoded({'alg': 'ES256', 'kid': EC.kid})}.{encoded(make_claims(USER))}.{encoded(bytes(64))}",
    "too short": f"{encoded({'alg': 'ES256', 'kid': EC.kid})}.{encoded(make_claims(USER))}.{encoded(bytes(8))}",
    "ES256 in DER": f"{encoded({'alg': 'ES256', 'kid': EC.kid})}.{encoded(make_claims(USER))}.{encoded(b'0' * 70)}",
    "no signature of EdDSA": f"{encoded({'alg': 'EdDSA', 'kid': ED.kid})}.{encoded(make_claims(USER))}.AAAA",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(client: FlaskClient, token: str) -> None:
    assert_unauthorized(ask(client, token))


def test_a_header_with_a_duplicate_name_is_refused(client: FlaskClient) -> None:
    header = encoded(f'{{"alg": "ES256", "kid": "x", "kid": "{EC.kid}"}}'.encode())
    text = f"{header}.{encoded(make_claims(USER))}"
    signature = jwt.get_algorithm_by_name("ES256").sign(text.encode(), EC.private)
    assert_unauthorized(ask(client, f"{text}.{encoded(signature)}"))


def test_secrets_in_the_jwks_verify_nothing(make_client: MakeClient) -> None:
    secret = b"a secret that stands in public, long enough"
    with jwks_endpoint() as endpoint:
        endpoint.show({"kty": "oct", "k": encoded(secret), "kid": "s", "alg": "HS256"}, EC)
        for own in (SECRET, None):
            client = make_client(jwt_jwks_url=endpoint.url, jwt_secret=own)
            assert_unauthorized(ask(client, forged("HS256", secret, kid="s")))
            assert ask(client, EC.sign(make_claims(USER))).status_code == 200


def test_a_cached_token_is_refused_once_its_key_is_removed(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.tokens.RemoteKeys", partial(RemoteKeys, cooldown_s=0))
    with jwks_endpoint() as endpoint:
        endpoint.show(EC)
        client = make_client(jwt_jwks_url=endpoint.url)
        old = EC.sign(make_claims(USER))
        assert ask(client, old).status_code == 200
        endpoint.show(ED)
        assert ask(client, ED.sign(make_claims(USER))).status_code == 200
        assert_unauthorized(ask(client, old))


def test_without_any_keys_the_response_is_503(make_client: MakeClient) -> None:
    """A 401 would have clients sign their users out, for an outage that is not theirs."""
    with jwks_endpoint() as endpoint:
        endpoint.status = 500
        client = make_client(jwt_jwks_url=endpoint.url)
        response = ask(client, EC.sign(make_claims(USER)))
        assert_error(response, 503, "The service is temporarily unavailable. Please try again.", "unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert ask(client, sign(make_claims(USER))).status_code == 200
        assert_unauthorized(ask(client, EC.sign(make_claims(USER), kid=None)))


def test_a_hanging_endpoint_delays_its_tokens_briefly_and_others_not_at_all(make_client: MakeClient) -> None:
    with jwks_endpoint() as endpoint:
        endpoint.released.clear()
        client = make_client(jwt_jwks_url=endpoint.url)
        held = threading.Thread(target=ask, args=[client, EC.sign(make_claims(USER))])
        begin = time.monotonic()
        held.start()
        for _ in range(5):
            assert ask(client, sign(make_claims(USER))).status_code == 200
        assert time.monotonic() - begin < 1
        held.join()
        assert time.monotonic() - begin < 2.5
