"""The errors of the document: each has a cause and a fix, and is described as returned."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app.http.error_responses import CODES, ERROR_CODES, error_response
from app.http.schemas import EXAMPLE_ID
from app.http.trpc.procedures import MAX_CALLS
from app.protocol.request_environ import Rejection
from tests.unit.http.description.operations import error_codes, operations

ROOT = Path(__file__).resolve().parents[4]

#: Errors of the framework; the codes are made from their names.
REFUSALS = (BadRequest, NotFound, MethodNotAllowed, RequestEntityTooLarge)
GENERATE = "/api/coursegen/generate"


def codes_in_the_code() -> set[str]:
    """The codes in calls of `respond_with` and `Invalid`, of exceptions, and of the framework's errors."""
    found = {error().name.lower().replace(" ", "_") for error in REFUSALS} | set(CODES.values())
    for path in (ROOT / "app" / "http").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"respond_with", "Invalid"}
            ):
                found |= {str(name.value) for name in ast.walk(node.args[0]) if isinstance(name, ast.Constant)}
    return found | {rejection.value for rejection in Rejection}


def test_every_code_has_a_cause_and_a_fix_and_there_is_no_other() -> None:
    assert set(ERROR_CODES) == codes_in_the_code()
    statuses = [error.status for error in ERROR_CODES.values()]
    assert statuses == sorted(statuses)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (GENERATE, {"data": "{}", "content_type": "text/plain"}, "unsupported_media_type"),
        (GENERATE, {"data": "{", "content_type": "application/json"}, "invalid_json"),
        (GENERATE, {"json": {}}, "missing_field"),
        (GENERATE, {"json": {"courseId": "42"}}, "invalid_field"),
        (GENERATE, {"json": {"courseId": EXAMPLE_ID, "title": "Основы геологии"}}, "unknown_field"),
        (GENERATE, {"json": {"courseId": EXAMPLE_ID}, "headers": {"Idempotency-Key": ""}}, "invalid_idempotency_key"),
        ("/trpc/generation.start", {"json": {}}, "procedure_not_found"),
        (f"/trpc/{'x,' * MAX_CALLS}x?batch=1", {"json": {}}, "batch_too_large"),
    ],
)
def test_errors_of_requests_are_described_as_returned(
    client: FlaskClient, authorized: dict[str, str], path: str, body: dict[str, Any], code: str
) -> None:
    answer = client.post(path, **{**body, "headers": authorized | body.get("headers", {})}).json
    assert answer is not None
    known = ERROR_CODES[code]
    returned = answer["error"] if isinstance(answer["error"], str) else answer["error"]["message"]
    assert returned == known.message.format_map(known.example)
    assert answer.get("details") == (known.example if known.details else None)


def test_errors_of_the_framework_are_described_as_returned() -> None:
    for error in map(error_response, (refusal() for refusal in REFUSALS)):
        assert (ERROR_CODES[error.code].status, ERROR_CODES[error.code].message) == (error.status, error.message)


def test_every_code_is_in_a_response_of_the_document(document: dict[str, Any]) -> None:
    described = {code for response in document["components"]["responses"].values() for code in response["x-codes"]}
    assert described == set(ERROR_CODES)


def test_the_table_of_errors_is_the_same_in_the_docs_and_in_the_document(document: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = [f"| {error.status} | `{code}` | {error.cause} | {error.fix} |" for code, error in ERROR_CODES.items()]
    for text in (page, document["info"]["description"]):
        table = re.split("\n## ", re.split("##+ Errors\n", text)[1])[0]
        assert [line for line in table.splitlines() if re.match(r"\| \d", line)] == rows


def test_every_code_has_a_text_for_russian_interfaces() -> None:
    texts = json.loads((ROOT / "examples" / "clients" / "messages.ru.json").read_text(encoding="utf-8"))
    assert list(texts) == list(ERROR_CODES)
    for text in texts.values():
        assert re.fullmatch(r"[А-Я][^A-Z{}]{10,99}\.", text), text
        assert not set(text) & set("\"'`")


def test_the_errors_of_each_route_are_documented(document: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## `(GET|POST) (/api/\S+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    documented = {
        (method.lower(), re.sub("<(.+?)>", r"{\1}", path)): re.findall(
            r"`(\w+)`", re.findall(r"^Errors: (.*?);", text, re.MULTILINE | re.DOTALL)[0]
        )
        for method, path, text in sections
    }
    assert {key: sorted(codes) for key, codes in documented.items()} == {
        (method, path): sorted(error_codes(document, operation))
        for path, method, operation in operations(document)
        if path.startswith("/api/")
    }
