"""Builds the OpenAPI document. Its error responses have three shapes: the REST routes', a procedure's and a batch's."""

import json
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema

from app.generation.progress.steps import FINAL_STATUSES, STEPS, StepStatus
from app.generation.tiers import Tier
from app.http.error_responses import ERROR_CODES, render_error, respond_with
from app.http.middleware.request_context import request_id
from app.http.schemas import GenerateSchema, PublishSchema
from app.http.trpc.procedures import COURSE_INPUT, GENERATION_INPUT, ROOT
from app.http.trpc.wire import failed
from app.protocol.request_environ import Rejection

Tree = dict[str, Any]

OPENAPI = Path(__file__).parent / "openapi"
#: The prefixes of the names of REST routes' and batches' responses. Those of a procedure's begin with its name.
REST, BATCH = "", "batch."
JSON = "application/json"
OPENAPI_VERSION = "3.1.0"
EXAMPLE_REQUEST_ID = "c7b1f3a2-5d0e-4f6b-9a58-2f1d3c4b5a69"

#: The schemas that validate request bodies.
REQUEST_SCHEMAS: dict[str, Schema] = {
    "GenerateRequest": GenerateSchema(),
    "PublishRequest": PublishSchema(),
    "InitiateInput": GENERATION_INPUT,
    "CourseInput": COURSE_INPUT,
}
ENUMS = {
    "StepStatus": [status.value for status in StepStatus],
    "GenerationStatus": ["initializing", *(step.course_status for step in STEPS.values()), *sorted(FINAL_STATUSES)],
    "Tier": [tier.value for tier in Tier],
}
#: The errors of every operation, and those of a request for no operation.
ALWAYS = [*(rejection.value for rejection in Rejection), "internal_error"]
NO_OPERATION = ["not_found", "method_not_allowed"]


def read_yaml(name: str) -> Tree:
    """The mapping in the YAML file of that name in `openapi`."""
    mapping: Tree = yaml.safe_load((OPENAPI / f"{name}.yaml").read_text(encoding="utf-8"))
    return mapping


def describe(app: Flask, version: str, webhook_key: str | None) -> Tree:
    """The OpenAPI document of the application in that version; equal for equal arguments.

    `webhook_key`: the public key of webhooks, if they are signed with one.
    """
    plugin = MarshmallowPlugin()
    root = read_yaml("openapi")
    if webhook_key is not None:
        root["webhooks"]["generation"]["post"]["x-webhook-key"] = webhook_key
    paths = read_yaml("operations") | read_yaml("service_operations")
    root["components"]["schemas"] = schemas = read_yaml("response_schemas")
    schemas |= {name: {"type": "string", "enum": values} for name, values in ENUMS.items()}
    spec = APISpec("Course generation", version, OPENAPI_VERSION, [plugin], info={"description": _guide()}, **root)
    for name, schema in REQUEST_SCHEMAS.items():
        spec.components.schema(name, _request_schema(plugin, schema))
    with app.app_context():
        token = request_id.set(EXAMPLE_REQUEST_ID)
        try:
            _add_operations(spec, paths, root["components"]["headers"])
        finally:
            request_id.reset(token)
    return spec.to_dict()


def _guide() -> str:
    guide = (OPENAPI / "guide.md").read_text(encoding="utf-8")
    rows = [f"| {e.status} | `{code}` | {e.cause} | {e.fix} |" for code, e in ERROR_CODES.items()]
    return "\n".join([guide, "| status | code | cause | fix |", "| --- | --- | --- | --- |", *rows, ""])


def _request_schema(plugin: MarshmallowPlugin, schema: Schema) -> Tree:
    """The JSON Schema of a request body.

    Registered as a finished schema, because the plugin takes a schema that ignores unknown fields for the one that
    rejects them. Without the defaults, all null: client generators make a field with a default required.
    """
    made: Tree = plugin.converter.schema2jsonschema(schema)  # type: ignore[union-attr]
    for field in made["properties"].values():
        field.pop("default", None)
    return made


def _add_operations(spec: APISpec, paths: Tree, headers: Tree) -> None:
    """Adds the operations, and the error responses that they and the framework use."""
    errors = {"-or-".join(codes): (REST, codes) for codes in _by_status(NO_OPERATION).values()}
    for path, item in paths.items():
        prefix = _prefix_of(path)
        for method, operation in item.items():
            given: Tree = operation["responses"]
            responses: Tree = {str(status): _expand_response(response, headers) for status, response in given.items()}
            for status, codes in _by_status([*operation.pop("errors", []), *ALWAYS]).items():
                responses[str(status)] = name = prefix + "-or-".join(codes)
                errors[name] = prefix, codes
            spec.path(path, operations={method: {**operation, "responses": dict(sorted(responses.items()))}})
    for name, (prefix, codes) in errors.items():
        spec.components.response(name, _expand_response(_describe_error(prefix, codes), headers))


def _expand_response(response: Tree, headers: Tree) -> Tree:
    """The Response Object of a short form."""
    always = {name: name for name in ("X-Request-ID", *response.get("headers", []))}
    optional = {name: {**headers[name], "required": False} for name in response.get("optional_headers", [])}
    expanded = {"description": response["description"], "headers": {**always, **optional}}
    if "codes" in response:
        expanded["x-codes"] = response["codes"]
    if "schema" in response:
        content = {"schema": response["schema"], "examples": response.get("examples", {})}
        expanded["content"] = {mimetype: {**content} for mimetype in response.get("mimetypes", [JSON])}
    for mimetype, text in response.get("texts", {}).items():
        expanded["content"][mimetype] = {"schema": {"type": "string"}, "examples": {"text": {"value": text}}}
    return expanded


def _by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes by status, both in the order of `ERROR_CODES`."""
    known = sorted(set(codes), key=list(ERROR_CODES).index)
    return {status: list(group) for status, group in groupby(known, lambda code: ERROR_CODES[code].status)}


def _prefix_of(path: str) -> str:
    """The prefix of the names of the error responses at a path of the document."""
    if not path.startswith(f"{ROOT}/"):
        return REST
    procedure = path.removeprefix(f"{ROOT}/")
    return BATCH if procedure.startswith("{") else f"{procedure}."


def _error_schema(prefix: str, codes: Sequence[str]) -> Tree:
    """The schema of a body with one of these codes. The codes are no part of it: a client must bear new ones."""
    if prefix:
        return _refer("TrpcBatchError" if prefix == BATCH else "TrpcError")
    details = {error.details for error in map(ERROR_CODES.__getitem__, codes) if error.details}
    [kind] = details or {"Details"}  # the codes of one status have the same details, if any
    return _refer(f"{kind.removesuffix('Details')}Error")


def _refer(schema: str) -> Tree:
    return {"$ref": f"#/components/schemas/{schema}"}


def _describe_error(prefix: str, codes: Sequence[str]) -> Tree:
    """The short form of a response with one of these codes, which have one status. Needs an application context."""
    errors = {code: ERROR_CODES[code] for code in codes}
    headers = [
        {*error.headers, *error.computed_headers, *(["Retry-After"] if error.retry_s else [])}
        for error in errors.values()
    ]
    always, ever = set.intersection(*headers), set.union(*headers)
    return {
        "description": f"{HTTPStatus(errors[codes[0]].status).phrase}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": sorted(always),
        "optional_headers": sorted(ever - always),
        "schema": _error_schema(prefix, codes),
        "codes": codes,
        "examples": {
            code: {"summary": error.cause, "description": error.fix, "value": _example(prefix, code)}
            for code, error in errors.items()
        },
    }


def _example(prefix: str, code: str) -> Any:
    response = respond_with(code, **ERROR_CODES[code].example)
    if prefix == REST:
        return json.loads(render_error(response).get_data())
    procedure = "generation.initiate" if prefix == BATCH else prefix.removesuffix(".")
    error = json.loads(failed(procedure, response).text)
    return [error] if prefix == BATCH and code != "batch_too_large" else error
