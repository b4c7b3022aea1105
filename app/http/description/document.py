"""Builds the OpenAPI document."""

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema

from app.generation.progress.steps import FINAL_STATUSES, STEPS, StepStatus
from app.generation.tiers import Tier
from app.http.description.error_bodies import (
    BATCH,
    OPENAPI,
    REST,
    Tree,
    by_status,
    describe_error,
    error_schema,
    prefix_of,
    read_yaml,
)
from app.http.error_responses import ERROR_CODES
from app.http.middleware.request_context import request_id
from app.http.schemas import GenerateSchema
from app.http.trpc.procedures import COURSE_INPUT, GENERATION_INPUT
from app.request_environ import Rejection

JSON = "application/json"
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
#: The errors of every operation, and those of a request for no operation.
ALWAYS = [*(rejection.value for rejection in Rejection), "internal_error"]
NO_OPERATION = ["not_found", "method_not_allowed"]


def describe(app: Flask, version: str) -> Tree:
    """The OpenAPI document of the application in that version; equal for equal arguments."""
    plugin = MarshmallowPlugin()
    root = read_yaml("openapi")
    paths = read_yaml("operations") | read_yaml("service_operations")
    root["components"]["schemas"] = schemas = read_yaml("response_schemas")
    schemas |= {name: {"type": "string", "enum": values} for name, values in ENUMS.items()}
    schemas["TrpcCall"]["anyOf"].append(error_schema(BATCH, [*paths["/trpc/{procedures}"]["get"]["errors"], *ALWAYS]))
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
    errors = {"-or-".join(codes): (REST, codes) for codes in by_status(NO_OPERATION).values()}
    for path, item in paths.items():
        prefix = prefix_of(path)
        for method, operation in item.items():
            given: Tree = operation["responses"]
            responses: Tree = {str(status): _expand_response(response, headers) for status, response in given.items()}
            for status, codes in by_status([*operation.pop("errors", []), *ALWAYS]).items():
                responses[str(status)] = name = prefix + "-or-".join(codes)
                errors[name] = prefix, codes
            spec.path(path, operations={method: {**operation, "responses": dict(sorted(responses.items()))}})
    for name, (prefix, codes) in errors.items():
        spec.components.response(name, _expand_response(describe_error(prefix, codes), headers))


def _expand_response(response: Tree, headers: Tree) -> Tree:
    """The Response Object of a short form."""
    always = {name: name for name in ("X-Request-ID", *response.get("headers", []))}
    optional = {name: {**headers[name], "required": False} for name in response.get("optional_headers", [])}
    expanded = {"description": response["description"], "headers": {**always, **optional}}
    if "schema" in response:
        content = {"schema": response["schema"], "examples": response.get("examples", {})}
        expanded["content"] = {mimetype: {**content} for mimetype in response.get("mimetypes", [JSON])}
    return expanded
