"""The OpenAPI document, put together."""

from pathlib import Path
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow import Schema

from app.http.description import examples
from app.http.description.answers import GenerationProgressSchema
from app.http.description.operations import Operation, by_status, render_problems, response_name
from app.http.description.parameters import HEADERS, PARAMETERS
from app.http.description.routes import batches, generations, procedures, service
from app.http.description.routes.hooks import WEBHOOKS, WebhookMessageSchema
from app.http.description.shapes import PLAIN, JSONSchema
from app.http.middleware.request_context import request_id

#: Of OpenAPI.
VERSION = "3.1.0"

OPERATIONS: list[Operation] = [
    *generations.OPERATIONS,
    *procedures.OPERATIONS,
    *batches.OPERATIONS,
    *service.OPERATIONS,
]
#: What a request for no operation is answered.
NO_OPERATION = ("not_found", "method_not_allowed")

TAGS = {
    generations.GENERATIONS: "Starting and cancelling. PostgreSQL has the last word, so an answer of 200 is durable.",
    generations.PROGRESS: "How far a course is: polled, or followed live.",
    procedures.TAG: "The same calls for clients of tRPC 11, without a transformer. Every error has tRPC's shape.",
    "Webhooks": "What the service sends.",
    service.TAG: "How the service is, and what it can do.",
}

SECURITY_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the platform's sign-in (Supabase). It names the user and the tier.",
    },
    "metricsToken": {"type": "http", "scheme": "bearer", "description": "The operator's `METRICS_TOKEN`."},
}

GUIDE = Path(__file__).parent / "page" / "guide.md"


def describe(app: Flask, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of that application in that version; the same for the same two."""
    spec = APISpec(
        title="Course generation",
        version=version,
        openapi_version=VERSION,
        plugins=[MarshmallowPlugin()],
        info={"description": GUIDE.read_text(encoding="utf-8")},
        servers=[{"url": "/", "description": "Where this document came from."}],
        security=[{"token": []}],
        webhooks=WEBHOOKS,
    )
    for name, description in TAGS.items():
        spec.tag({"name": name, "description": description})
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for name, header in HEADERS.items():
        spec.components.header(name, {**header, "required": True})
    for name, parameter in PARAMETERS.items():
        spec.components.parameter(name, parameter["in"], parameter)
    spec.components.schema("GenerationProgress", schema=GenerationProgressSchema)
    spec.components.schema("TrpcCall", batches.CALL)
    spec.components.schema("WebhookMessage", schema=WebhookMessageSchema)
    converter = OpenAPIConverter(VERSION, lambda _: None, spec)
    for body in {operation.body.name: operation.body for operation in OPERATIONS if operation.body}.values():
        spec.components.schema(body.name, _request_schema(converter, body.schema))
    with app.app_context():
        token = request_id.set(examples.REQUEST_ID)
        try:
            _add_operations(spec)
        finally:
            request_id.reset(token)
    return {"openapi": VERSION, "info": {}, "servers": [], "tags": [], "security": [], "paths": {}} | spec.to_dict()


def _request_schema(converter: OpenAPIConverter, given: Schema | JSONSchema) -> JSONSchema:
    """JSON Schema of a body.

    Not made by the plug-in, to which a schema that ignores fields is the same as one that refuses them. Without the
    defaults, all null, because generators of clients take a field with one for required.
    """
    if not isinstance(given, Schema):
        return given
    schema: JSONSchema = converter.schema2jsonschema(given)  # type: ignore[no-untyped-call]
    for field in schema["properties"].values():
        field.pop("default", None)
    return schema


def _add_operations(spec: APISpec) -> None:
    sets = [(operation.shape, codes) for operation in OPERATIONS for codes in operation.statuses.values()]
    sets += [(PLAIN, codes) for codes in by_status(NO_OPERATION).values()]
    for name, (shape, codes) in {response_name(codes, shape): (shape, codes) for shape, codes in sets}.items():
        spec.components.response(name, render_problems(codes, shape))
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method: operation.render()})
