"""Which pages' scripts may call the API, and which headers they may read."""

import pytest
from flask.testing import FlaskClient

from tests.unit.http.conftest import MakeClient

GENERATE = "/api/coursegen/generate"
HERE, THERE, ELSEWHERE = "https://app.example.org", "http://localhost:3000", "https://evil.example"
EXPOSED = {"ETag", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"}


@pytest.fixture
def open_client(make_client: MakeClient) -> FlaskClient:
    return make_client(cors_origins=(HERE, THERE))


def preflight(method: str = "POST", origin: str = HERE, headers: str = "authorization,content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


def cors_headers(response: object) -> dict[str, str]:
    headers = getattr(response, "headers")  # noqa: B009
    return {name: value for name, value in headers if name.startswith("Access-Control")}


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_without_the_setting_no_page_may_call(client: FlaskClient, method: str) -> None:
    response = client.open(GENERATE, method=method, headers=preflight())
    assert cors_headers(response) == {}
    assert "Vary" not in response.headers


@pytest.mark.parametrize("origin", [HERE, THERE])
def test_a_preflight_from_an_allowed_page_needs_no_token(open_client: FlaskClient, origin: str) -> None:
    asked = "authorization,content-type,idempotency-key,traceparent"
    response = open_client.options(GENERATE, headers=preflight(origin=origin, headers=asked))
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert set(response.headers["Access-Control-Allow-Methods"].split(", ")) == {"POST", "OPTIONS"}
    assert response.headers["Access-Control-Allow-Headers"] == asked
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(("path", "status"), [("/livez", 200), (GENERATE, 405), ("/nowhere", 404)])
def test_an_allowed_page_may_read_responses_and_errors(open_client: FlaskClient, path: str, status: int) -> None:
    response = open_client.get(path, headers={"Origin": HERE})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == HERE
    assert set(response.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
    assert "Access-Control-Max-Age" not in response.headers


def test_an_allowed_page_may_read_that_its_token_is_refused(open_client: FlaskClient) -> None:
    response = open_client.post(GENERATE, json={}, headers={"Origin": HERE})
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == HERE


@pytest.mark.parametrize(
    "origin",
    [
        ELSEWHERE,
        "null",
        "",
        "*",
        HERE.upper(),
        f"{HERE}.evil.example",
        f"{HERE}:8443",
        "http://app.example.org",
        "\xff",
    ],
)
def test_another_page_may_not_call_and_the_response_varies_by_origin(open_client: FlaskClient, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        response = open_client.open("/livez", method=method, headers=preflight("GET", origin))
        assert cors_headers(response) == {}
        assert response.headers["Vary"] == "Origin"


def test_a_response_without_origin_varies_by_origin_too(open_client: FlaskClient) -> None:
    response = open_client.get("/livez")
    assert cors_headers(response) == {}
    assert response.headers["Vary"] == "Origin"


def test_with_a_star_every_page_may_and_none_with_credentials(make_client: MakeClient) -> None:
    client = make_client(cors_origins=("*",))
    for headers in ({}, {"Origin": ELSEWHERE}, {"Origin": "null"}):
        response = client.get("/livez", headers=headers)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in response.headers
    response = client.options(GENERATE, headers=preflight(origin=ELSEWHERE))
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_credentials_are_never_allowed(open_client: FlaskClient) -> None:
    assert "Access-Control-Allow-Credentials" not in open_client.options(GENERATE, headers=preflight()).headers


def test_a_preflight_may_request_any_header(open_client: FlaskClient) -> None:
    for value in ("", ",", "\xff\x00", "a" * 5000, "a;b", '"'):
        for name in ("Access-Control-Request-Method", "Access-Control-Request-Headers"):
            response = open_client.options(GENERATE, headers={**preflight(), name: value})
            assert response.status_code == 200
