"""The default headers of every response, and the methods of every route."""

import pytest
from flask import Response
from flask.testing import FlaskClient

from tests.unit.http.conftest import MakeClient

GENERATE = "/api/coursegen/generate"
STATUS = "/api/courses/x/check-status"

SAID = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("HEAD", "/livez", 200),
        ("GET", "/readyz", 503),
        ("POST", GENERATE, 401),
        ("OPTIONS", GENERATE, 200),
        ("PUT", GENERATE, 405),
        ("GET", STATUS, 401),
        ("GET", "/nowhere", 404),
    ],
)
def test_every_response_has_the_default_headers(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert {name: response.headers.getlist(name) for name in SAID} == {name: [value] for name, value in SAID.items()}


def test_an_unexpected_error_has_them_too(make_client: MakeClient) -> None:
    client = make_client()

    @client.application.get("/broken")
    def broken() -> str:
        raise KeyError

    response = client.get("/broken")
    assert response.status_code == 500
    assert all(response.headers[name] == value for name, value in SAID.items())


def test_headers_of_a_view_are_kept(make_client: MakeClient) -> None:
    client = make_client()

    @client.application.get("/page")
    def page() -> Response:
        return Response(headers={"Cache-Control": "max-age=60", "content-security-policy": "default-src 'self'"})

    response = client.get("/page")
    assert response.headers.getlist("Cache-Control") == ["max-age=60"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (GENERATE, {"POST", "OPTIONS"}),
        ("/api/courses/x/cancel", {"GET", "HEAD", "POST", "OPTIONS"}),
        (STATUS, {"GET", "HEAD", "OPTIONS"}),
        ("/livez", {"GET", "HEAD", "OPTIONS"}),
        ("/readyz", {"GET", "HEAD", "OPTIONS"}),
        ("/trpc/generation.initiate", {"POST", "OPTIONS"}),
        ("/trpc/generation.status", {"GET", "HEAD", "OPTIONS"}),
        ("/trpc/generation.status,generation.status?batch=1", {"GET", "HEAD", "OPTIONS"}),
        ("/trpc/generation.status,generation.cancel?batch=1", {"OPTIONS"}),
        ("/trpc/unknown", {"GET", "HEAD", "POST", "OPTIONS"}),
    ],
)
def test_options_needs_no_token(client: FlaskClient, path: str, allowed: set[str]) -> None:
    response = client.options(path)
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert response.data == b""


@pytest.mark.parametrize(("path", "status"), [("/livez", 200), ("/readyz", 503), (STATUS, 401), ("/nowhere", 404)])
def test_head_has_the_headers_of_get_and_no_body(client: FlaskClient, path: str, status: int) -> None:
    asked = {"X-Request-ID": "one"}
    get, head = client.get(path, headers=asked), client.head(path, headers=asked)
    assert (head.status_code, head.data) == (status, b"")
    assert sorted(head.headers) == sorted(get.headers)
