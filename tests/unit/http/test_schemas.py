"""The fields of a request body, and how a wrong one is reported. No server runs."""

import json
from typing import Any

import pytest

from tests.answers import assert_error, error_body

COURSE = "6f2d0a0e-5d1c-4c63-9c53-9f3a6ad8c001"
COURSE_EXPECTED = "a UUID"
WEBHOOK_EXPECTED = "an http or https URL of a public host, on port 80 or 443, without credentials or fragment; or null"


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
def test_a_wrong_course_id_is_named(post: Any, text: str, shown: object) -> None:
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
def test_a_wrong_webhook_url_is_named(post: Any, text: str, shown: object) -> None:
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
def test_only_an_absolute_http_url_of_a_public_host_is_accepted(post: Any, url: str) -> None:
    details = {"field": "webhookUrl", "value": url, "expected": WEBHOOK_EXPECTED}
    response = post(json.dumps({"courseId": COURSE, "webhookUrl": url}))
    assert_error(response, 400, "Invalid webhookUrl format", "invalid_field", details)


def test_a_url_too_long_is_refused_and_cut_in_the_error(post: Any) -> None:
    url = "https://example.org/" + "a" * 2029
    details = {"field": "webhookUrl", "value": f"{url[:100]}…", "expected": WEBHOOK_EXPECTED}
    response = post(json.dumps({"courseId": COURSE, "webhookUrl": url}))
    assert_error(response, 400, "Invalid webhookUrl format", "invalid_field", details)


@pytest.mark.parametrize("name", ["course_id", "CourseId", "courseid", "priority", "tier", "jobId", "", "курс", "\0"])
def test_an_unknown_field_is_refused_by_name(post: Any, name: str) -> None:
    details = {"field": name, "value": "x", "expected": "no such field"}
    response = post(json.dumps({"courseId": COURSE, name: "x"}))
    assert_error(response, 400, f"Unknown field: {name}", "unknown_field", details)


def test_an_unknown_field_with_a_lone_surrogate_is_shown_replaced(post: Any) -> None:
    details = {"field": "?", "value": "?", "expected": "no such field"}
    response = post(f'{{"courseId": "{COURSE}", "\\ud800": "\\udfff"}}')
    assert_error(response, 400, "Unknown field: ?", "unknown_field", details)


def test_a_long_unknown_field_is_cut(post: Any) -> None:
    body = error_body(post(json.dumps({"courseId": COURSE, "x" * 60_000: 1})))
    assert body["error"] == f"Unknown field: {'x' * 100}…"


def test_a_wrong_known_field_is_named_before_an_unknown_one(post: Any) -> None:
    body = error_body(post(json.dumps({"aaa": 1, "webhookUrl": 1, "courseId": 1})))
    assert body["details"]["field"] == "courseId"
