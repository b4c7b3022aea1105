"""What the application spares itself of the framework, and what that may not change."""

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Response
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from tests.unit.http.conftest import MakeClient


def parts(client: FlaskClient, method: str, path: str) -> Iterable[bytes]:
    """What the server is given of an answer's body, as it is given."""
    environ = EnvironBuilder(path, method=method).get_environ()

    def start_response(*_: Any) -> Any:
        return None

    return client.application(environ, start_response)


@pytest.mark.parametrize(
    ("method", "path", "whole"),
    [
        ("GET", "/livez", [b'{"status":"ok"}\n']),
        ("HEAD", "/livez", []),
        ("OPTIONS", "/livez", []),
        ("HEAD", "/nowhere", []),
    ],
)
def test_an_answer_goes_to_the_server_in_one_piece(
    client: FlaskClient, method: str, path: str, whole: list[bytes]
) -> None:
    assert parts(client, method, path) == whole


def test_so_does_an_answer_without_a_body_and_one_a_view_made_itself(make_client: MakeClient) -> None:
    client, closed = make_client(), []

    @client.application.get("/same")
    def same() -> Response:
        response = Response("text", 304)
        response.call_on_close(lambda: closed.append("same"))
        return response

    @client.application.get("/own")
    def own() -> Response:
        response = Response("текст")
        response.call_on_close(lambda: closed.append("own"))
        return response

    assert parts(client, "GET", "/same") == []
    assert parts(client, "GET", "/own") == ["текст".encode()]
    assert closed == ["same", "own"]


def test_a_stream_does_not(make_client: MakeClient) -> None:
    client, given, closed = make_client(), [], []

    def pieces() -> Iterable[bytes]:
        for piece in (b"a", b"b"):
            given.append(piece)
            yield piece

    @client.application.get("/stream")
    def stream() -> Response:
        response = Response(pieces())
        response.call_on_close(lambda: closed.append("stream"))
        return response

    body = parts(client, "GET", "/stream")
    assert next(iter(body)) == b"a"
    assert (given, closed) == ([b"a"], [])
    body.close()  # type: ignore[attr-defined]
    assert closed == ["stream"]


@pytest.mark.parametrize("value", ["\ud800", 2**64, 1e300, "текст", "\x00", None, {"a": [1.5, True]}])
def test_whatever_json_can_say_is_said(make_client: MakeClient, value: object) -> None:
    client = make_client()
    client.application.add_url_rule("/value", view_func=lambda: {"value": value})
    assert client.get("/value").json == {"value": value}
