"""The `Authorization` header and the tokens it may carry. No server runs."""

import base64
import json
import time
from typing import Any
from uuid import UUID

import jwt
import pytest
from flask.testing import FlaskClient

from app.auth.authenticator import LEEWAY_S
from tests.answers import assert_unauthorized
from tests.conftest import WaitUntil
from tests.tokens import SECRET, make_claims, sign
from tests.unit.http.conftest import USER, MakeClient

#: Fixed, so that every process gives the tests the same names.
GOOD = sign(make_claims(USER, iat=0, exp=9_999_999_999))
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
OTHER_SECRET = "another-secret-that-is-longer-than-32-bytes-too"


def encoded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def forged(header: object, payload: object = None) -> str:
    """A token of these parts whose signature is good for them."""
    signing_input = f"{encoded(header)}.{PAYLOAD if payload is None else encoded(payload)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(signing_input.encode(), SECRET.encode())
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def ask(client: FlaskClient, token: str) -> Any:
    return client.get("/whoami", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        ", ,x",
        f", ,Bearer {GOOD}",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer null",
        "Bearer undefined",
        "Bearer [object Object]",
        f"Bearer: {GOOD}",
        f"Bearer{GOOD}",
        f"Bearer\t{GOOD}",
        f"Bearer {GOOD} {GOOD}",
        f"Bearer {GOOD}, Bearer {GOOD}",
        f"Bearer {GOOD},",
        f"Bearer Bearer {GOOD}",
        f'Bearer "{GOOD}"',
        f"Bearer {GOOD}.x",
        f"Bearer {GOOD}=",
        f"Bearer {HEADER}.{PAYLOAD}",
        f"Bearer {HEADER}..{SIGNATURE}",
        f"Bearer {HEADER}.{PAYLOAD}.",
        f"Basic {GOOD}",
        "Basic dXNlcjpwYXNzd29yZA==",
        f"Token {GOOD}",
        f"JWT {GOOD}",
        GOOD,
        f"Bearer {GOOD}\xa0",
        "Bearer \u0442\u043e\u043a\u0435\u043d".encode().decode("latin-1"),
        "Bearer " + "a" * 20_000,
        "Bearer " + ".".join(["a" * 7000] * 3),
    ],
)
def test_a_bad_authorization_header_is_refused(client: FlaskClient, header: str) -> None:
    assert_unauthorized(client.get("/whoami", headers={"Authorization": header}))


def test_a_missing_authorization_header_is_refused(client: FlaskClient) -> None:
    assert_unauthorized(client.get("/whoami"))


def test_a_token_is_read_from_the_header_alone(client: FlaskClient) -> None:
    client.set_cookie("access_token_cookie", GOOD)
    try:
        assert_unauthorized(client.get("/whoami", query_string={"jwt": GOOD, "access_token": GOOD}))
    finally:
        client.delete_cookie("access_token_cookie")


def test_two_authorization_headers_are_refused(client: FlaskClient) -> None:
    headers = [("Authorization", f"Bearer {GOOD}"), ("Authorization", f"Bearer {GOOD}")]
    assert_unauthorized(client.get("/whoami", headers=headers))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_case_insensitive(client: FlaskClient, scheme: str) -> None:
    response = client.get("/whoami", headers={"Authorization": f"{scheme} {GOOD}"})
    assert response.json == {"userId": str(USER), "tier": "FREE", "role": None, "organization": None}


def now() -> int:
    return int(time.time())


@pytest.mark.parametrize("claims", [{"exp": -25}, {"nbf": 25}], ids=str)
def test_clocks_may_differ_by_half_a_minute(client: FlaskClient, claims: dict[str, int]) -> None:
    moved: dict[str, Any] = {name: now() + seconds for name, seconds in claims.items()}
    assert ask(client, sign(make_claims(USER, **moved))).status_code == 200


@pytest.mark.parametrize("claims", [{"exp": -31}, {"exp": -86_400}, {"nbf": 35}], ids=str)
def test_clocks_may_not_differ_by_more(client: FlaskClient, claims: dict[str, int]) -> None:
    moved: dict[str, Any] = {name: now() + seconds for name, seconds in claims.items()}
    assert_unauthorized(ask(client, sign(make_claims(USER, **moved))))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "soon"},
        {"exp": [9999999999]},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 0},
        {"exp": -(10**30)},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": 10**13},
        {"exp": 1e300},
        {"nbf": {}},
        {"nbf": float("inf")},
        {"aud": None},
        {"aud": ""},
        {"aud": "anon"},
        {"aud": "Authenticated"},
        {"aud": []},
        {"aud": ["anon", "service"]},
        {"aud": {"authenticated": True}},
        {"aud": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": "anon"},
        {"sub": "42"},
        {"sub": f"{USER}x"},
        {"type": "refresh"},
    ],
    ids=str,
)
def test_a_signed_token_with_wrong_claims_is_refused(client: FlaskClient, claims: dict[str, Any]) -> None:
    assert_unauthorized(ask(client, sign(make_claims(USER, **claims))))


@pytest.mark.parametrize("iat", [4_000_000_000, -1, 0, "yesterday", None, 1e300], ids=str)
def test_iat_is_ignored(client: FlaskClient, iat: object) -> None:
    """A host whose clock is behind must not refuse who has only just signed in."""
    assert ask(client, sign(make_claims(USER, iat=iat))).status_code == 200


def test_a_cached_token_is_refused_once_it_has_expired(client: FlaskClient, wait_until: WaitUntil) -> None:
    token = sign(make_claims(USER, exp=now() - LEEWAY_S + 2))
    assert ask(client, token).status_code == 200
    assert ask(client, token).status_code == 200
    wait_until(lambda: ask(client, token).status_code == 401, 5)


def test_more_tokens_than_the_cache_holds_are_accepted(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.authenticator.MAX_CACHED", 2)
    client = make_client()
    users = [UUID(int=number) for number in range(1, 6)]
    tokens = [sign(make_claims(user)) for user in users]
    for _ in range(2):
        assert [ask(client, token).json["userId"] for token in tokens] == [str(user) for user in users]


@pytest.mark.parametrize("name", ["exp", "sub", "aud"])
def test_a_required_claim_must_not_be_null(client: FlaskClient, name: str) -> None:
    assert_unauthorized(ask(client, sign({**make_claims(USER), name: None})))


@pytest.mark.parametrize("sub", [42, 1.5, True, [str(USER)], {"id": str(USER)}])
def test_a_subject_that_is_no_text_is_refused(client: FlaskClient, sub: object) -> None:
    assert_unauthorized(ask(client, forged({"alg": "HS256", "typ": "JWT"}, {**make_claims(USER), "sub": sub})))


def test_one_of_several_audiences_is_enough(client: FlaskClient) -> None:
    assert ask(client, sign(make_claims(USER, aud=["other", "authenticated"]))).status_code == 200


def test_the_issuer_is_checked_if_the_setting_is_set(make_client: MakeClient) -> None:
    client = make_client(jwt_issuer="https://auth.example/auth/v1")
    assert ask(client, sign(make_claims(USER, iss="https://auth.example/auth/v1"))).status_code == 200
    for issuer in (None, "", "https://auth.example", "https://auth.example/auth/v1/", ["https://auth.example/auth/v1"]):
        assert_unauthorized(
            ask(client, sign(make_claims(USER, iss=issuer)))
            if not isinstance(issuer, list)
            else ask(client, forged({"alg": "HS256"}, {**make_claims(USER), "iss": issuer}))
        )


def test_any_issuer_is_accepted_without_the_setting(client: FlaskClient) -> None:
    assert ask(client, sign(make_claims(USER, iss="https://elsewhere.example"))).status_code == 200


@pytest.mark.parametrize(
    "token",
    {
        "another secret": sign(make_claims(USER), OTHER_SECRET),
        "another secret and a key id": sign(make_claims(USER), OTHER_SECRET, kid="1"),
        "HS384": sign(make_claims(USER), algorithm="HS384"),
        "HS512": sign(make_claims(USER), algorithm="HS512"),
        "none": sign(make_claims(USER), "", None),
        "none with a signature": forged({"alg": "none", "typ": "JWT"}),
        "None": forged({"alg": "None", "typ": "JWT"}),
        "lower case": forged({"alg": "hs256", "typ": "JWT"}),
        "RS256 in name": forged({"alg": "RS256", "typ": "JWT"}),
        "ES256 in name": forged({"alg": "ES256", "typ": "JWT", "kid": "1"}),
        "no algorithm": forged({"typ": "JWT"}),
        "null for an algorithm": forged({"alg": None}),
        "a list of algorithms": forged({"alg": ["HS256"]}),
        "an object for an algorithm": forged({"alg": {}}),
        "a number for a key id": forged({"alg": "HS256", "kid": 1}),
        "critical and known": forged({"alg": "HS256", "crit": ["b64"], "b64": True}),
        "critical and nothing": forged({"alg": "HS256", "crit": []}),
        "critical and unknown": forged({"alg": "HS256", "crit": ["b64"], "b64": False}),
        "detached": forged({"alg": "HS256", "b64": False}),
        "a list for a header": forged([]),
        "text for a header": forged("HS256"),
        "number for a header": forged(1),
        "two algorithms": forged('{"alg": "none", "alg": "HS256"}'),
        "no number in a header": forged('{"alg": "HS256", "n": NaN}'),
        "a header in UTF-16": forged(json.dumps({"alg": "HS256"}).encode("utf-16").decode("latin-1")),
        "deep header": forged("[" * 5000),
        "deep closed header": forged("[" * 5000 + "]" * 5000),
        "deep payload": forged({"alg": "HS256"}, "[" * 5000 + "]" * 5000),
        "deep payload of a stranger": f"{HEADER}.{encoded('[' * 5000)}.{SIGNATURE}",
        "long number in a header": forged('{"alg": ' + "1" * 5000 + "}"),
        "list for a payload": forged({"alg": "HS256"}, []),
        "null for a payload": forged({"alg": "HS256"}, "null"),
        "text for a payload": forged({"alg": "HS256"}, '"text"'),
        "empty payload": forged({"alg": "HS256"}, {}),
        "no JSON": forged({"alg": "HS256"}, "no JSON"),
        "NUL": forged({"alg": "HS256"}, "\0"),
        "signature cut": GOOD[:-1],
        "signature cut to nothing but a character": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:1]}",
        "signature longer": f"{GOOD}A",
        "signature of another": f"{HEADER}.{PAYLOAD}.{sign(make_claims(USER, tier='PREMIUM')).split('.')[2]}",
        "payload of another": f"{HEADER}.{sign(make_claims(USER, tier='PREMIUM')).split('.')[1]}.{SIGNATURE}",
        "anon key": sign({"iss": "supabase", "ref": "abc", "role": "anon", "iat": 1700000000, "exp": 9999999999}),
        "service key": sign({"iss": "supabase", "role": "service_role", "iat": 1700000000, "exp": 9999999999}),
    }.items(),
    ids=lambda item: str(item[0]),
)
def test_a_forged_or_foreign_token_is_refused(client: FlaskClient, token: tuple[str, str]) -> None:
    assert_unauthorized(ask(client, token[1]))
