"""What is no body of the contract is refused with the contract's words, before any server is asked."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.answers import assert_error, assert_unauthorized, error_body

URL = "/api/coursegen/generate"
COURSE = "6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8c001"
COURSE_EXPECTED = "a UUID"
WEBHOOK_EXPECTED = "an http or https URL of a public host, on port 80 or 443, without credentials or fragment; or null"


@pytest.fixture
def post(client: FlaskClient, authorized: dict[str, str]) -> Any:
    def post(body: bytes | str, content_type: str | None = "application/json") -> TestResponse:
        return client.post(URL, data=body, content_type=content_type, headers=authorized)

    return post


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
        "\ufeff{}",
        "[" * 30_000,
        '{"courseId":' * 4000,
        '{"courseId": ' + "9" * 5000 + "}",
        f'{{"courseId": "{COURSE}", "courseId": "{COURSE}"}}',
        f'{{"courseId": "{COURSE}", "webhookUrl": null, "webhookUrl": "https://example.org/"}}',
        f'{{"courseId": "{COURSE}", "userId": {{"a": 1, "a": 2}}}}',
    ],
    ids=lambda body: body[:40],
)
def test_what_is_no_json_is_refused(post: Any, body: str) -> None:
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
def test_what_is_no_utf8_is_refused(post: Any, body: bytes) -> None:
    assert_no_json(post(body))


@pytest.mark.parametrize("body", ["[]", "[{}]", f'["{COURSE}"]', "null", "true", "1", "-0.5", '"text"', f'"{COURSE}"'])
def test_what_is_no_object_is_refused(post: Any, body: str) -> None:
    assert_error(post(body), 400, "Invalid JSON: expected an object", "invalid_json")


NESTED = {
    "courseId": '{"courseId": %s}',
    "webhookUrl": f'{{"courseId": "{COURSE}", "webhookUrl": %s}}',
    "userId": '{"userId": %s}',
    "unknown": f'{{"courseId": "{COURSE}", "unknown": %s}}',
    "body": "%s",
}


@pytest.mark.parametrize("shape", NESTED.values(), ids=NESTED)
def test_nesting_of_any_depth_is_refused_as_what_it_is(post: Any, shape: str) -> None:
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
def test_json_is_known_by_any_of_its_spellings(post: Any, content_type: str) -> None:
    assert post("{}", content_type).status_code == 400


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
def test_a_body_too_large_is_refused(post: Any, size: int) -> None:
    body = '{"courseId": "' + "a" * size + '"}'
    assert_error(post(body), 413, "Request Entity Too Large", "request_entity_too_large")


def test_a_body_just_within_the_limit_is_read(post: Any) -> None:
    body = '{"courseId": "' + "a" * (64 * 1024 - 16) + '"}'
    assert len(body) == 64 * 1024
    assert error_body(post(body))["code"] == "invalid_field"


def test_the_token_is_looked_at_before_the_body(client: FlaskClient) -> None:
    for body, content_type in (("{", "application/json"), ("", None), ("a" * 100_000, "text/plain")):
        assert_unauthorized(client.post(URL, data=body, content_type=content_type))


def invalid(name: str, value: object, expected: str) -> dict[str, Any]:
    return {
        "error": f"Invalid {name} format",
        "code": "invalid_field",
        "details": {"field": name, "value": value, "expected": expected},
    }


#: A wrong value as JSON text, and how an answer repeats it.
WRONG = [
    ("true", True),
    ("false", False),
    ("0", 0),
    ("-1", -1),
    ("1.5", 1.5),
    ("1e999", "Infinity"),
    ("-1e999", "-Infinity"),
    ("1" * 300, "1" * 100 + "…"),
    ('""', ""),
    ('" "', " "),
    ('"x"', "x"),
    ('"курс"', "курс"),
    ('"\\u0000"', "\0"),
    ('"\\ud800"', "?"),
    ('"\\udc00\\ud800"', "??"),
    ('"\\ud83d\\ude00"', "😀"),
    ('"' + "я" * 101 + '"', "я" * 100 + "…"),
    ('"<script>"', "<script>"),
    ("[]", "[]"),
    (f'["{COURSE}"]', f'["{COURSE}"]'),
    ('[1e999, "\\ud800"]', '[Infinity, "?"]'),
    ('{"a": [1, null]}', '{"a": [1, null]}'),
]


@pytest.mark.parametrize(("text", "shown"), [("null", None), *WRONG], ids=lambda value: str(value)[:30])
def test_a_course_id_that_is_no_uuid_is_named(post: Any, text: str, shown: object) -> None:
    response = post(f'{{"courseId": {text}}}')
    body = error_body(response)
    assert response.status_code == 400
    del body["requestId"]
    assert body == invalid("courseId", shown, COURSE_EXPECTED)


@pytest.mark.parametrize(
    "value",
    [
        COURSE[:-1],
        f"{COURSE}0",
        f" {COURSE}",
        f"{COURSE}\n",
        f"{{{COURSE}}}",
        f"urn:uuid:{COURSE}",
        COURSE.replace("-", ""),
        COURSE.replace("-", "_"),
        f"g{COURSE[1:]}",
        "٠" * 8 + COURSE[8:],
        f"{COURSE}\0",
        "' or 1=1 --",
    ],
)
def test_a_course_id_is_a_uuid_in_its_usual_form(post: Any, value: str) -> None:
    details = {"field": "courseId", "value": value, "expected": COURSE_EXPECTED}
    assert_error(post(json.dumps({"courseId": value})), 400, "Invalid courseId format", "invalid_field", details)


@pytest.mark.parametrize("body", [{}, {"webhookUrl": None}, {"userId": COURSE}, {"webhookUrl": "nonsense"}])
def test_a_missing_course_id_is_named_first(post: Any, body: dict[str, Any]) -> None:
    details = {"field": "courseId", "value": None, "expected": COURSE_EXPECTED}
    assert_error(post(json.dumps(body)), 400, "Missing required field: courseId", "missing_field", details)


@pytest.mark.parametrize(("text", "shown"), WRONG, ids=lambda value: str(value)[:30])
def test_a_webhook_url_that_is_none_is_named(post: Any, text: str, shown: object) -> None:
    response = post(f'{{"courseId": "{COURSE}", "webhookUrl": {text}}}')
    body = error_body(response)
    assert response.status_code == 400
    del body["requestId"]
    assert body == invalid("webhookUrl", shown, WEBHOOK_EXPECTED)


@pytest.mark.parametrize(
    "url",
    [
        "example.org/hook",
        "//example.org/hook",
        "/hook",
        "http:",
        "http://",
        "http:///hook",
        "http://:80/hook",
        "http://user@/hook",
        "https:example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
        "gopher://localhost:6379/_FLUSHALL",
        " https://example.org/",
        "https://example.org/ ",
        "https://example.org/a b",
        "https://example.org/\r\nX-Header: 1",
        "https://example.org/\0",
        "https://exa\tmple.org/",
        "https://пример.рф/",
        "https://example.org/путь",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://example.org:-1/",
        "https://[::1/",
        "https://[zz]/",
        "https://]/",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:8443/",
        "http://localhost/",
        "http://receiver/",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_only_an_absolute_http_url_of_a_public_host_is_one(post: Any, url: str) -> None:
    details = {"field": "webhookUrl", "value": url, "expected": WEBHOOK_EXPECTED}
    response = post(json.dumps({"courseId": COURSE, "webhookUrl": url}))
    assert_error(response, 400, "Invalid webhookUrl format", "invalid_field", details)


def test_a_url_too_long_is_refused_and_cut_in_the_answer(post: Any) -> None:
    url = "https://example.org/" + "a" * 2029
    details = {"field": "webhookUrl", "value": f"{url[:100]}…", "expected": WEBHOOK_EXPECTED}
    response = post(json.dumps({"courseId": COURSE, "webhookUrl": url}))
    assert_error(response, 400, "Invalid webhookUrl format", "invalid_field", details)


@pytest.mark.parametrize("name", ["course_id", "CourseId", "courseid", "priority", "tier", "jobId", "", "курс", "\0"])
def test_an_unknown_field_is_refused_by_name(post: Any, name: str) -> None:
    details = {"field": name, "value": "x", "expected": "no such field"}
    response = post(json.dumps({"courseId": COURSE, name: "x"}))
    assert_error(response, 400, f"Unknown field: {name}", "unknown_field", details)


def test_an_unknown_field_that_no_encoding_knows_is_shown_as_well_as_it_can_be(post: Any) -> None:
    details = {"field": "?", "value": "?", "expected": "no such field"}
    response = post(f'{{"courseId": "{COURSE}", "\\ud800": "\\udfff"}}')
    assert_error(response, 400, "Unknown field: ?", "unknown_field", details)


def test_a_long_unknown_field_is_cut(post: Any) -> None:
    body = error_body(post(json.dumps({"courseId": COURSE, "x" * 60_000: 1})))
    assert body["error"] == f"Unknown field: {'x' * 100}…"


def test_a_wrong_known_field_is_named_before_an_unknown_one(post: Any) -> None:
    body = error_body(post(json.dumps({"aaa": 1, "webhookUrl": 1, "courseId": 1})))
    assert body["details"]["field"] == "courseId"


class Pieces(io.BytesIO):
    """A body of which each read brings five bytes at most, as a slow network does."""

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
