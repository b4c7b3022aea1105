"""Request bodies that are refused before the schema reads them. No server runs."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.answers import assert_error, assert_unauthorized, error_body

URL = "/api/coursegen/generate"
COURSE = "6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8c001"


def assert_no_json(response: TestResponse) -> None:
    assert_error(response, 400, "Invalid JSON", "invalid_json")


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "{",
        "}",
        "{'courseId': 1}",
        "courseId=1",
        "undefined",
        '{"courseId": NaN}',
        '{"courseId": Infinity}',
        '{"courseId": -Infinity}',
        '{"courseId": 1,}',
        '{"courseId": 01}',
        '{"courseId": "a\nb"}',
        '{"courseId": "a\0b"}',
        '{"courseId": "\\x41"}',
        '{"courseId": "\\u12"}',
        '{"courseId": 1} {}',
        "\ufeff",
        "\ufeff\ufeff{}",
        "[" * 30_000,
        '{"courseId":' * 4000,
        '{"courseId": ' + "9" * 5000 + "}",
        f'{{"courseId": "{COURSE}", "courseId": "{COURSE}"}}',
        f'{{"courseId": "{COURSE}", "webhookUrl": null, "webhookUrl": "https://example.org/"}}',
        f'{{"courseId": "{COURSE}", "userId": {{"a": 1, "a": 2}}}}',
    ],
    ids=lambda body: body[:40],
)
def test_a_body_that_is_no_json_is_refused(post: Any, body: str) -> None:
    assert_no_json(post(body))


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b'{"courseId": "\xff\xfe"}',
        b'{"courseId": "\xd0"}',
        b'{"courseId": "\xc0\x80"}',
        b'{"courseId": "\xed\xa0\x80"}',
        json.dumps({"courseId": COURSE}).encode("utf-16"),
        json.dumps({"courseId": COURSE}).encode("utf-32"),
        json.dumps({"courseId": "курс"}, ensure_ascii=False).encode("cp1251"),
        b"\0" * 100,
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ],
)
def test_a_body_that_is_no_utf8_is_refused(post: Any, body: bytes) -> None:
    assert_no_json(post(body))


@pytest.mark.parametrize("body", ["[]", "[{}]", f'["{COURSE}"]', "null", "true", "1", "-0.5", '"text"', f'"{COURSE}"'])
def test_a_body_that_is_no_object_is_refused(post: Any, body: str) -> None:
    assert_error(post(body), 400, "Invalid JSON: expected an object", "invalid_json")


NESTED = {
    "courseId": '{"courseId": %s}',
    "webhookUrl": f'{{"courseId": "{COURSE}", "webhookUrl": %s}}',
    "userId": '{"userId": %s}',
    "unknown": f'{{"courseId": "{COURSE}", "unknown": %s}}',
    "body": "%s",
}


@pytest.mark.parametrize("shape", NESTED.values(), ids=NESTED)
def test_deep_nesting_is_refused(post: Any, shape: str) -> None:
    # Somewhere in here lies the depth at which reading goes well and writing no longer does.
    for depth in range(1, 1100, 3):
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            response = post(shape % (opened * depth + "1" * (opened != "[") + closed * depth))
            assert response.status_code == 400, depth
            assert len(json.dumps(error_body(response))) < 1000


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonl",
        "application/javascript",
        "json",
        "*/*",
        "application/json, text/plain",
        "\xff",
    ],
)
def test_another_content_type_is_refused(post: Any, content_type: str | None) -> None:
    response = post(json.dumps({"courseId": "x"}), content_type)
    assert_error(response, 415, "Content-Type must be application/json", "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_any_spelling_of_the_json_content_type_is_accepted(post: Any, content_type: str) -> None:
    assert post("{}", content_type).status_code == 400


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
def test_a_body_too_large_is_refused(post: Any, size: int) -> None:
    body = '{"courseId": "' + "a" * size + '"}'
    assert_error(post(body), 413, "Request Entity Too Large", "request_entity_too_large")


def test_a_body_just_within_the_limit_is_read(post: Any) -> None:
    body = '{"courseId": "' + "a" * (64 * 1024 - 16) + '"}'
    assert len(body) == 64 * 1024
    assert error_body(post(body))["code"] == "invalid_field"


def test_the_token_is_verified_before_the_body(client: FlaskClient) -> None:
    for body, content_type in (("{", "application/json"), ("", None), ("a" * 100_000, "text/plain")):
        assert_unauthorized(client.post(URL, data=body, content_type=content_type))


class Pieces(io.BytesIO):
    """A body that arrives five bytes a read at most, as over a slow network."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(5 if size is None or size < 0 else min(size, 5))

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def test_a_body_that_comes_in_pieces_is_read_whole(client: FlaskClient, authorized: dict[str, str]) -> None:
    body = json.dumps({"courseId": "x" * 30}).encode()
    asked: dict[str, Any] = {"method": "POST", "headers": authorized, "content_type": "application/json"}
    response = client.open(URL, input_stream=Pieces(body), content_length=len(body), **asked)
    assert (response.status_code, error_body(response)["code"]) == (400, "invalid_field")


def test_a_body_that_ends_early_is_no_json(client: FlaskClient, authorized: dict[str, str]) -> None:
    body = b'{"courseId": "x'
    asked: dict[str, Any] = {"method": "POST", "headers": authorized, "content_type": "application/json"}
    assert_no_json(client.open(URL, input_stream=Pieces(body), content_length=len(body) + 20, **asked))
