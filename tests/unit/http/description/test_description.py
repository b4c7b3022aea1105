"""`/openapi.json`: it is well-formed, and describes what exists and nothing else."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.generation.webhooks.outbox import Delivery
from app.generation.webhooks.signed_messages import sign, write_body
from app.http.error_responses import ERROR_CODES, Invalid
from app.http.idempotency_header import MAX_KEY, parse_key
from app.http.middleware.request_context import _REQUEST_ID
from app.http.routes.generate import MESSAGE
from app.http.schemas import GenerateSchema
from app.http.trpc.procedures import MAX_CALLS, PROCEDURES
from app.protocol.request_environ import MAX_BODY
from app.settings import Settings
from tests.contract import Contract, contract_of
from tests.logs import logging_restored
from tests.unit.http.description.operations import error_codes, operations

#: Methods that the framework handles wherever there is a route.
SILENT = {"HEAD", "OPTIONS"}
TRPC = "/trpc/<path:_>"
#: The route that does the same as each procedure.
LIKE = {
    "generation.initiate": ("post", "/api/coursegen/generate"),
    "generation.cancel": ("post", "/api/courses/{slug}/cancel"),
    "generation.status": ("get", "/api/courses/{slug}/check-status"),
}


@pytest.fixture(scope="module")
def contract(app: Flask) -> Contract:
    return contract_of(app)


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_every_route_is_described_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub("<(.+?)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule != TRPC
        for method in (rule.methods or set()) - SILENT
    }
    described = {(path, method) for path, method, _ in operations(document) if not path.startswith("/trpc/")}
    assert described == routes


def test_every_procedure_is_described_and_no_other(document: dict[str, Any]) -> None:
    described = {path: set(item) for path, item in document["paths"].items() if path.startswith("/trpc/")}
    assert described.pop("/trpc/{procedures}") == {"get", "post"}
    assert described == {
        f"/trpc/{name}": {method.lower() for method in set(procedure.methods) - SILENT}
        for name, procedure in PROCEDURES.items()
    }


def test_a_procedure_has_the_errors_of_its_route_and_of_its_input(document: dict[str, Any]) -> None:
    paths = document["paths"]
    every: set[str] = set()
    for name, (method, path) in LIKE.items():
        route = error_codes(document, paths[path][method])
        found = error_codes(document, paths[f"/trpc/{name}"][method])
        body = (
            {"request_entity_too_large", "unsupported_media_type", "unsupported_content_encoding"}
            if method == "post"
            else set()
        )
        assert found == (route | {"invalid_json", "missing_field", "invalid_field"} | body) - {"unknown_field"}
        every |= found
    for operation in paths["/trpc/{procedures}"].values():
        assert error_codes(document, operation) == every | {
            "procedure_not_found",
            "method_not_allowed",
            "batch_too_large",
        }


def test_every_response_has_valid_examples(document: dict[str, Any], contract: Contract) -> None:
    checked = 0
    for path, method, operation in operations(document):
        for status in operation["responses"]:
            place = contract.place(f"/paths/{path.replace('/', '~1')}/{method}/responses/{status}")
            for mimetype, medium in contract.resolve(place).get("content", {}).items():
                if path == "/openapi.json" or path.startswith("/docs"):
                    continue
                assert medium["examples"], place
                for example in medium["examples"].values():
                    contract.check_body(f"{place}/content/{mimetype.replace('/', '~1')}/schema", example["value"])
                    checked += 1
    assert checked > 50


def test_every_example_of_a_request_is_valid(document: dict[str, Any], contract: Contract) -> None:
    bodies = 0
    for path, method, operation in operations(document):
        for name, medium in operation.get("requestBody", {}).get("content", {}).items():
            place = f"/paths/{path.replace('/', '~1')}/{method}/requestBody/content/{name.replace('/', '~1')}/schema"
            for example in medium["examples"].values():
                contract.check_body(place, example["value"])
                bodies += 1
    assert bodies >= 5


def test_the_schema_that_validates_is_the_one_described(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]
    assert described["GenerateRequest"]["additionalProperties"] is False
    assert "additionalProperties" not in described["InitiateInput"]
    names = {field.data_key for field in GenerateSchema().fields.values()}
    assert set(described["GenerateRequest"]["properties"]) == set(described["InitiateInput"]["properties"]) == names
    assert described["GenerateRequest"]["required"] == ["courseId"]
    assert all("default" not in field for field in described["GenerateRequest"]["properties"].values())


def test_an_example_event_holds_the_example_status(document: dict[str, Any]) -> None:
    status, event = (
        document["paths"][f"/api/courses/{{slug}}/{route}"]["get"]["responses"]["200"]["content"][mimetype]["examples"]
        for route, mimetype in (("check-status", "application/json"), ("events", "text/event-stream"))
    )
    assert json.loads(event["progress"]["value"]["data"]) == status["running"]["value"]


def test_numbers_and_texts_of_the_code_are_the_same_in_the_document(document: dict[str, Any]) -> None:
    text = json.dumps(document["paths"]["/trpc/{procedures}"])
    assert f"at most {MAX_CALLS}." in text
    assert f" {MAX_CALLS} " in ERROR_CODES["batch_too_large"].message
    assert f" {MAX_CALLS} " in ERROR_CODES["batch_too_large"].cause
    assert f"maxItems: {MAX_CALLS}`" in ERROR_CODES["batch_too_large"].fix
    assert f"{MAX_BODY // 1024} KiB" in ERROR_CODES["request_entity_too_large"].cause
    generated = document["paths"]["/api/coursegen/generate"]["post"]["responses"]["200"]
    assert generated["content"]["application/json"]["examples"]["admitted"]["value"]["message"] == MESSAGE


def test_a_request_id_is_described_as_it_is_accepted(document: dict[str, Any]) -> None:
    assert document["components"]["headers"]["X-Request-ID"]["schema"]["pattern"] == f"^{_REQUEST_ID.pattern}$"


@pytest.mark.parametrize(
    "key",
    ["", "a", "a b", "a,b", '"a,b"', '"a', 'a"', '""', '"a\\"b"', '"a\\b"', "é", "a\x00"]
    + [quote + "k" * length + quote for quote in ("", '"') for length in (MAX_KEY, MAX_KEY + 1)],
)
def test_an_idempotency_key_is_described_as_it_is_accepted(document: dict[str, Any], key: str) -> None:
    pattern = document["components"]["parameters"]["idempotencyKey"]["schema"]["pattern"]
    try:
        accepted = parse_key(key) is not None
    except Invalid:
        accepted = False
    assert bool(re.search(pattern, key)) is accepted


def test_a_webhook_is_described_as_it_is_sent(document: dict[str, Any], contract: Contract) -> None:
    now = datetime.now(UTC)
    for error in (None, "out of lessons"):
        delivery = Delivery(uuid4(), "m-1", 4, uuid4(), "https://a.b", "finalizing", 5, 90, "…", error, 0, 60.0, now)
        message = json.loads(write_body(delivery))
        contract.check_body("/components/schemas/WebhookMessage", message)
    sent = sign(["whsec_" + "a" * 32], None, "x-1", 1, b"{}")
    parameters = document["webhooks"]["generation"]["post"]["parameters"]
    assert {parameter["name"] for parameter in parameters} == {*sent, "traceparent"}


def test_the_document_is_built_once(app: Flask) -> None:
    document = app.extensions["openapi"]
    assert app.test_client().get("/openapi.json").data == document()
    assert document() is document()


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/swagger-ui.css"])
def test_an_unchanged_body_is_not_sent_again(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "public, max-age=300"
    tag = first.headers["ETag"]
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": header})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag), header
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)


def test_two_processes_serve_the_same_document(settings: Settings, app: Flask) -> None:
    with logging_restored():
        other = create_app(settings)
        other.extensions["services"].close()
    tags = {one.test_client().get("/openapi.json").headers["ETag"] for one in (app, other)}
    assert len(tags) == 1
