"""The check of responses against the document rejects what is not described."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app.http.description.document import read_yaml
from tests.contract import Contract, Undocumented, contract_of

STATUS = "/api/courses/x/check-status"
GENERATE = "/api/coursegen/generate"
HEADERS = {"Content-Type": "application/json", "X-Request-ID": "r"}
TAGGED = {**HEADERS, "ETag": '"x"', "Cache-Control": "no-cache"}
FORBIDDEN = {"error": "Forbidden", "code": "forbidden", "requestId": "r"}
EXAMPLE: dict[str, Any] = read_yaml("operations")["/api/courses/{slug}/check-status"]["get"]["responses"][200][
    "examples"
]["running"]["value"]
PROGRESS = EXAMPLE["generationProgress"]
PART = {"steps": PROGRESS["steps"]}
FOUND = {"result": {"data": EXAMPLE}}
MISSING = {
    "error": {
        "message": "Course not found",
        "code": -32004,
        "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "p", "reason": "course_not_found", "requestId": "r"},
    }
}


@pytest.fixture(scope="module")
def contract(client: FlaskClient) -> Contract:
    return contract_of(client.application)


def check(
    contract: Contract, method: str, url: str, status: int, body: Any = None, headers: dict[str, str] | None = None
) -> None:
    path, _, query = url.partition("?")
    data = b"" if body is None else json.dumps(body).encode()
    contract.check(method, path, query, status, Headers(headers or HEADERS), data)


@pytest.mark.parametrize(
    ("method", "url", "status", "body", "headers"),
    [
        ("GET", STATUS, 200, EXAMPLE, TAGGED),
        ("GET", f"{STATUS}/", 200, {**EXAMPLE, "currentGenerationStatus": None, "generationProgress": [1]}, TAGGED),
        ("GET", STATUS, 200, {**EXAMPLE, "generationProgress": {**PROGRESS, "files": [1]}}, TAGGED),
        ("HEAD", STATUS, 200, None, TAGGED),
        ("GET", STATUS, 304, None, TAGGED),
        ("GET", STATUS, 403, FORBIDDEN, None),
        ("OPTIONS", STATUS, 200, None, None),
        ("POST", STATUS, 405, {**FORBIDDEN, "code": "method_not_allowed"}, {**HEADERS, "Allow": "GET"}),
        ("GET", "/nowhere", 404, {**FORBIDDEN, "code": "not_found"}, None),
        ("GET", "/trpc/generation.status", 200, FOUND, None),
        ("GET", "/trpc/generation.status?batch=1", 200, [FOUND], None),
        ("GET", "/trpc/generation.status,x?batch=1", 207, [FOUND, MISSING], None),
        ("GET", "/trpc/generation.status?batch=1", 200, {"0": [[MISSING]]}, None),
        ("GET", "/trpc/generation.status", 404, MISSING, None),
    ],
)
def test_a_described_response_passes(
    contract: Contract, method: str, url: str, status: int, body: Any, headers: dict[str, str] | None
) -> None:
    check(contract, method, url, status, body, headers)


@pytest.mark.parametrize(
    ("method", "url", "status", "body", "headers"),
    [
        pytest.param("GET", STATUS, 418, FORBIDDEN, None, id="status"),
        pytest.param("POST", GENERATE, 304, None, None, id="status of another route"),
        pytest.param("GET", "/nowhere", 200, {}, None, id="route"),
        pytest.param("PUT", STATUS, 200, EXAMPLE, TAGGED, id="method"),
        pytest.param("GET", STATUS, 403, {**FORBIDDEN, "code": "denied"}, None, id="code"),
        pytest.param("GET", STATUS, 403, {**FORBIDDEN, "code": "user_limit"}, None, id="code of another status"),
        pytest.param("POST", GENERATE, 409, {**FORBIDDEN, "code": "nothing_active"}, None, id="code of another route"),
        pytest.param("GET", STATUS, 403, {**FORBIDDEN, "sql": "select"}, None, id="field"),
        pytest.param("GET", STATUS, 403, {"error": "x", "code": "forbidden"}, None, id="missing field"),
        pytest.param("GET", STATUS, 200, {**EXAMPLE, "isStuck": None}, TAGGED, id="type"),
        pytest.param("GET", STATUS, 200, {**EXAMPLE, "courseId": "42"}, TAGGED, id="format"),
        pytest.param("GET", STATUS, 200, {**EXAMPLE, "generationProgress": [1]}, TAGGED, id="no progress"),
        pytest.param("GET", STATUS, 200, {**EXAMPLE, "generationProgress": PART}, TAGGED, id="part of a progress"),
        pytest.param("GET", STATUS, 200, EXAMPLE, HEADERS, id="missing header"),
        pytest.param("GET", STATUS, 200, EXAMPLE, {**TAGGED, "Content-Type": "text/html"}, id="mimetype"),
        pytest.param("GET", STATUS, 304, EXAMPLE, TAGGED, id="body"),
        pytest.param("GET", STATUS, 403, MISSING, None, id="tRPC's shape elsewhere"),
        pytest.param("GET", "/trpc/generation.status", 403, FORBIDDEN, None, id="another shape under tRPC"),
        pytest.param("GET", "/trpc/generation.status", 200, [FOUND], None, id="a batch where none was asked for"),
        pytest.param("GET", "/trpc/x?batch=1", 207, [FOUND, {"error": {}}], None, id="error of a batch"),
    ],
)
def test_a_response_that_is_not_described_is_rejected(
    contract: Contract, method: str, url: str, status: int, body: Any, headers: dict[str, str] | None
) -> None:
    with pytest.raises(Undocumented):
        check(contract, method, url, status, body, headers)


def test_every_response_to_a_test_client_is_checked(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    document = contract_of(client.application).document
    assert client.get("/livez").status_code == 200
    with monkeypatch.context() as patch:
        patch.delitem(document["paths"]["/livez"]["get"]["responses"], "200")
        with pytest.raises(Undocumented):
            client.get("/livez")
    status = document["components"]["schemas"]["Readiness"]["properties"]["status"]
    assert client.get("/readyz").status_code == 503
    monkeypatch.setitem(status, "enum", ["ready"])
    with pytest.raises(Undocumented):
        client.get("/readyz")
