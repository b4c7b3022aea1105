"""Every request of any route: its id, its methods, the shape of its errors."""

import json
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.answers import assert_error, error_body
from tests.unit.http.conftest import MakeClient

GENERATE = "/api/coursegen/generate"


@pytest.mark.parametrize("request_id", ["a", "A-Z_0.9", "x" * 128, "..", "-", "01a20947-08b6-7634-b7d3-b524f8d40636"])
@pytest.mark.parametrize("path", ["/livez", GENERATE, "/nowhere"])
def test_a_valid_request_id_is_echoed(client: FlaskClient, path: str, request_id: str) -> None:
    response = client.get(path, headers={"X-Request-ID": request_id})
    assert response.headers.getlist("X-Request-ID") == [request_id]
    if response.status_code != 200:
        assert error_body(response)["requestId"] == request_id


@pytest.mark.parametrize(
    "request_id", ["", " ", "a b", "a,b", "x" * 129, "a/b", "<script>", 'a"b', "a;b", "ä", "a\t", "%00", "{}", "\xa0"]
)
@pytest.mark.parametrize("path", ["/livez", "/nowhere"])
def test_an_invalid_request_id_is_replaced(client: FlaskClient, path: str, request_id: str) -> None:
    response = client.get(path, headers={"X-Request-ID": request_id})
    assert UUID(response.headers["X-Request-ID"]).version == 4
    if response.status_code != 200:
        error_body(response)


def test_a_request_without_an_id_gets_a_new_one(client: FlaskClient) -> None:
    assert len({client.get("/livez").headers["X-Request-ID"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/api",
        "/api/coursegen",
        "/api/coursegen/generate2",
        "/API/coursegen/generate",
        "/api/courses/check-status",
        "/api/courses//check-status",
        "/api/courses/a/check-status/x",
        "/api/courses/a%2Fb/check-status",
        "/static/app.py",
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%00",
        "/%ff%fe",
        "/путь",
        "/" + "a" * 10_000,
        "/livez%00",
        "/console",
        "/favicon.ico",
    ],
    ids=lambda path: path[:40],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_is_not_found(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method, follow_redirects=True)
    assert_error(response, 404, "Not Found", "not_found")


def test_a_trailing_slash_does_not_matter(client: FlaskClient) -> None:
    assert client.get("/livez/").status_code == 200
    assert client.post(f"{GENERATE}/").status_code == 401


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (GENERATE, {"POST", "OPTIONS"}),
        ("/api/courses/x/check-status", {"GET", "HEAD", "OPTIONS"}),
        ("/livez", {"GET", "HEAD", "OPTIONS"}),
        ("/readyz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post", "XX"])
def test_a_wrong_method_is_refused_with_the_allowed_ones(
    client: FlaskClient, path: str, allowed: set[str], method: str
) -> None:
    if method.upper() in allowed:
        return
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert_error(response, 405, "Method Not Allowed", "method_not_allowed")


def test_a_wrong_method_is_refused_before_the_token_is_verified(
    client: FlaskClient, authorized: dict[str, str]
) -> None:
    assert client.put(GENERATE, headers=authorized).status_code == 405
    response = client.head(GENERATE, headers=authorized)
    assert response.status_code == 405
    assert response.data == b""


def test_options_lists_the_methods_of_a_route(client: FlaskClient) -> None:
    response = client.options(GENERATE)
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert response.data == b""


def test_an_unexpected_error_does_not_show_its_cause(make_client: MakeClient) -> None:
    client = make_client()

    @client.application.get("/broken")
    def broken() -> str:
        raise KeyError("the secret cause")

    response = client.get("/broken")
    assert_error(response, 500, "Internal server error", "internal_error")


def test_error_bodies_are_utf8_and_not_escaped(client: FlaskClient, authorized: dict[str, str]) -> None:
    response = client.post(
        GENERATE, data=json.dumps({"courseId": "курс"}), headers=authorized, content_type="application/json"
    )
    assert response.headers["Content-Type"] == "application/json"
    assert "курс".encode() in response.data
