"""Builds the OpenAPI document."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema

from app.generation.progress.steps import FINAL_STATUSES, STEPS, StepStatus
from app.generation.tiers import Tier
from app.http.description.error_codes import ERROR_CODES, by_status
from app.http.description.error_shapes import JSON, PLAIN, ErrorShape, shape_of, trpc_error
from app.http.description.openapi_files import read_guide, read_yaml
from app.http.description.trpc_operations import batch_errors, derive_procedures, result_of
from app.http.middleware.request_context import request_id
from app.http.schemas import GenerateSchema
from app.http.trpc.procedures import COURSE_INPUT, GENERATION_INPUT, ROOT

Tree = dict[str, Any]

OPENAPI_VERSION = "3.1.0"
EXAMPLE_REQUEST_ID = "c7b1f3a2-5d0e-4f6b-9a58-2f1d3c4b5a69"

#: The schemas that validate request bodies.
REQUEST_SCHEMAS: dict[str, Schema] = {
    "GenerateRequest": GenerateSchema(),
    "InitiateInput": GENERATION_INPUT,
    "CourseInput": COURSE_INPUT,
}
ENUMS = {
    "StepStatus": [status.value for status in StepStatus],
    "GenerationStatus": ["initializing", *(step.course_status for step in STEPS.values()), *sorted(FINAL_STATUSES)],
    "Tier": [tier.value for tier in Tier],
}
_INPUTS = {
    "type": "object",
    "description": "The input of each call by its index, from 0. A missing one is an empty input.",
    "additionalProperties": True,
}
BATCHES = f"{ROOT}/{{procedures}}"
#: The errors of every operation, and those of a request for no operation.
ALWAYS = ["bad_request", "internal_error"]
NO_OPERATION = ["not_found", "method_not_allowed"]


def describe(app: Flask, version: str) -> Tree:
    """The OpenAPI document of the application in that version; equal for equal arguments."""
    root = read_yaml("openapi")
    headers = root["components"]["headers"]
    root["components"]["schemas"] = read_yaml("response_schemas")
    plugin = MarshmallowPlugin()
    spec = APISpec(
        title="Course generation",
        version=version,
        openapi_version=OPENAPI_VERSION,
        plugins=[plugin],
        info={"description": _guide()},
        **root,
    )
    for name, values in ENUMS.items():
        spec.components.schema(name, {"type": "string", "enum": values})
    for name, schema in REQUEST_SCHEMAS.items():
        spec.components.schema(name, _request_schema(plugin, schema))
    spec.components.schema("BatchInput", _INPUTS)
    paths = read_yaml("operations")
    batches = paths.pop(BATCHES)
    procedures = derive_procedures(paths)
    codes = batch_errors(procedures)
    for operation in batches.values():
        operation["errors"] = codes
    call = [result_of({}), trpc_error([*codes, *ALWAYS], {"type": "object"})]
    spec.components.schema("TrpcCall", {"description": "The response to a single call.", "anyOf": call})
    with app.app_context():
        token = request_id.set(EXAMPLE_REQUEST_ID)
        try:
            _add_operations(spec, paths | procedures | {BATCHES: batches} | read_yaml("service_operations"), headers)
        finally:
            request_id.reset(token)
    return spec.to_dict()


def _guide() -> str:
    rows = [f"| {e.response.status} | `{code}` | {e.cause} | {e.fix} |" for code, e in ERROR_CODES.items()]
    return "\n".join([read_guide(), "| status | code | cause | fix |", "| --- | --- | --- | --- |", *rows, ""])


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
    errors: dict[str, tuple[ErrorShape, list[str]]] = {}
    errors |= {PLAIN.name(codes): (PLAIN, codes) for codes in by_status(NO_OPERATION).values()}
    for path, item in paths.items():
        shape = shape_of(path)
        for method, operation in item.items():
            statuses = by_status([*operation.get("errors", []), *ALWAYS])
            errors |= {shape.name(codes): (shape, codes) for codes in statuses.values()}
            names = {str(status): shape.name(codes) for status, codes in statuses.items()}
            spec.path(path, operations={method: _expand_operation(operation, names, headers)})
    for name, (shape, codes) in errors.items():
        spec.components.response(name, _expand_response(shape.render(codes), headers))


def _expand_operation(operation: Tree, errors: dict[str, str], headers: Tree) -> Tree:
    """The Operation Object of a short form of `operations.yaml`; `errors` are its error responses by status."""
    responses: Tree = {
        str(status): _expand_response({**response, "examples": _wrap(response.get("examples", {}))}, headers)
        for status, response in operation["responses"].items()
    }
    expanded = {name: value for name, value in operation.items() if name not in ("body", "errors", "procedure")}
    expanded |= {
        "parameters": [*operation.get("parameters", [])],
        "responses": dict(sorted((responses | errors).items())),
    }
    if body := operation.get("body"):
        content = {"schema": body["schema"], "examples": _wrap(body["examples"])}
        expanded["requestBody"] = {"required": True, "content": {JSON: content}}
    return expanded


def _expand_response(response: Tree, headers: Tree) -> Tree:
    """The Response Object of a short form."""
    always = {name: name for name in ("X-Request-ID", *response.get("headers", []))}
    optional = {name: {**headers[name], "required": False} for name in response.get("optional_headers", [])}
    expanded = {"description": response["description"], "headers": {**always, **optional}}
    if "schema" in response:
        content = {"schema": response["schema"], "examples": response["examples"]}
        expanded["content"] = {mimetype: {**content} for mimetype in response.get("mimetypes", [JSON])}
    return expanded


def _wrap(examples: Tree) -> Tree:
    return {name: {"value": value} for name, value in examples.items()}
