"""Any request has a response of the contract, and a refused one leaves nothing behind."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.answers import error_body
from tests.integration.factories import MakeToken
from tests.tokens import make_claims, sign

URL = "/api/coursegen/generate"
USER = UUID("6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8a001")

#: The servers are cleaned once for all examples: none of them may leave anything.
bounded = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
objects = st.fixed_dictionaries(
    {},
    optional={
        "courseId": any_json | st.uuids().map(str),
        "webhookUrl": any_json | st.text("htps:/.@[]#?%1", max_size=20),
        "userId": any_json,
        "extra": any_json,
    },
)
bodies = st.one_of(
    objects.map(lambda value: json.dumps(value).encode()),
    objects.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    any_json.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=200),
    st.text('{}[]",:courseId0123456789abcdef-\\u', max_size=60).map(str.encode),
)
content_types = st.sampled_from(["application/json"] * 8 + ["", "text/plain", "application/json; charset=utf-16"])

GOOD = sign(make_claims(USER, exp=9_999_999_999))
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=80)
authorizations = st.one_of(
    latin,
    latin.map(lambda text: f"Bearer {text}"),
    st.lists(st.text("abcDEF012-_", max_size=30), min_size=2, max_size=4).map(
        lambda parts: "Bearer " + ".".join(parts)
    ),
    any_json.map(lambda value: f"Bearer {sign({**make_claims(USER), 'sub': value})}" if isinstance(value, str) else ""),
    st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat", "aud", "type", "iss"]), any_json, min_size=1).map(
        lambda claims: f"Bearer {encoded(claims)}"
    ),
    st.tuples(st.integers(0, len(GOOD) - 1), st.sampled_from("aZ0-_., ")).map(
        lambda change: f"Bearer {GOOD[: change[0]]}{change[1]}{GOOD[change[0] :]}"
    ),
)


def encoded(claims: dict[str, Any]) -> str:
    try:
        return sign({**make_claims(USER), **claims})
    except (TypeError, ValueError, UnicodeError):
        return "not.even.signed"


def assert_of_the_contract(response: TestResponse, statuses: set[int]) -> None:
    assert response.status_code in statuses, response.text
    error_body(response)
    json.loads(response.data, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert len(response.data) < 5000


def test_any_body_is_answered_by_the_contract(
    client: FlaskClient, token: MakeToken, assert_no_trace: Callable[[], None]
) -> None:
    headers = {"Authorization": f"Bearer {token(uuid4(), exp=9_999_999_999)}"}

    @bounded
    @given(body=bodies, content_type=content_types)
    def check(body: bytes, content_type: str) -> None:
        response = client.post(URL, data=body, content_type=content_type, headers=headers)
        assert_of_the_contract(response, {400, 404, 415})

    check()
    assert_no_trace()


def test_any_authorization_header_is_answered_by_the_contract(
    client: FlaskClient, assert_no_trace: Callable[[], None]
) -> None:
    @bounded
    @given(authorization=authorizations)
    def check(authorization: str) -> None:
        response = client.post(URL, json={"courseId": str(USER)}, headers={"Authorization": authorization})
        assert_of_the_contract(response, {401, 404})
        assert response.status_code == 404 or response.headers["WWW-Authenticate"] == "Bearer"

    check()
    assert_no_trace()
