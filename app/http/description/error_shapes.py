"""The shapes of error bodies: the REST routes', a tRPC procedure's, and a tRPC batch's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import json

from app.http.description.error_codes import ERROR_CODES
from app.http.error_responses import ErrorResponse, render_error
from app.http.trpc.procedures import ROOT
from app.http.trpc.wire import CODES, failed

JSON = "application/json"
JSONSchema = dict[str, Any]

_REQUEST_ID = {"type": "string", "description": "The service's log has details under this id."}


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """The JSON Schema of a body with one of the codes and these details, and an example.

    `prefix` begins the names of such responses in the document. `example` needs an application context.
    """

    prefix: str
    schema: Callable[[Sequence[str], JSONSchema | None], JSONSchema]
    example: Callable[[ErrorResponse], Any]

    def name(self, codes: Sequence[str]) -> str:
        """The name of the response with these codes among the document's components."""
        return self.prefix + "-or-".join(codes)

    def render(self, codes: Sequence[str]) -> dict[str, Any]:
        """The Response Object for a status with these codes."""
        errors = {code: ERROR_CODES[code] for code in codes}
        headers = [set(error.response.headers) for error in errors.values()]
        always, ever = set.intersection(*headers), set.union(*headers)
        details = [_reference(name) for name in dict.fromkeys(error.details for error in errors.values()) if name]
        examples = {
            code: {"summary": error.cause, "description": error.fix, "value": self.example(error.response)}
            for code, error in errors.items()
        }
        status = HTTPStatus(errors[codes[0]].response.status)
        return {
            "description": f"{status.phrase}: {', '.join(f'`{code}`' for code in codes)}",
            "headers": sorted(always),
            "optional_headers": sorted(ever - always),
            "schema": self.schema(codes, {"anyOf": details} if len(details) > 1 else next(iter(details), None)),
            "examples": examples,
        }


def object_of(properties: JSONSchema, *, optional: str | None = None) -> JSONSchema:
    """The schema of an object with these properties, all required but the optional one."""
    required = [name for name in properties if name != optional]
    return {"type": "object", "properties": properties, "required": required}


def trpc_error(codes: Sequence[str], details: JSONSchema | None) -> JSONSchema:
    """The schema of one call's error with one of these codes."""
    statuses = sorted({ERROR_CODES[code].response.status for code in codes})
    data = {
        "code": {"type": "string", "enum": [CODES[status][0] for status in statuses], "description": "tRPC's code."},
        "httpStatus": {"type": "integer", "enum": statuses},
        "path": {"type": "string", "description": "The procedure."},
        "reason": {"type": "string", "enum": list(codes), "description": "The `code` of the REST routes' errors."},
        **({"details": details} if details else {}),
        "requestId": _REQUEST_ID,
    }
    error = {
        "message": {"type": "string", "description": "Text for people."},
        "code": {"type": "integer", "enum": sorted({CODES[status][1] for status in statuses})},
        "data": object_of(data, optional="details"),
    }
    return object_of({"error": object_of(error)})


def shape_of(path: str) -> ErrorShape:
    """The shape of the errors at a path of the document."""
    if not path.startswith(f"{ROOT}/"):
        return PLAIN
    procedure = path.removeprefix(f"{ROOT}/")
    if procedure.startswith("{"):
        return _BATCH
    return ErrorShape(f"{procedure}.", trpc_error, lambda response: _call_example(response, procedure))


def _reference(name: str) -> JSONSchema:
    return {"$ref": f"#/components/schemas/{name}"}


def _plain_schema(codes: Sequence[str], details: JSONSchema | None) -> JSONSchema:
    properties = {
        "error": {"type": "string", "description": "Text for people."},
        **({"details": details} if details else {}),
        "code": {"type": "string", "enum": list(codes), "description": "For programs; it does not change."},
        "requestId": _REQUEST_ID,
    }
    return object_of(properties, optional="details")


def _call_example(response: ErrorResponse, procedure: str) -> Any:
    return json.loads(failed(procedure, response).text)


def _batch_schema(codes: Sequence[str], details: JSONSchema | None) -> JSONSchema:
    error = trpc_error(codes, details)
    return {"anyOf": [{"type": "array", "items": error}, error]}


def _batch_example(response: ErrorResponse) -> Any:
    error = _call_example(response, "generation.initiate")
    return error if response.code == "batch_too_large" else [error]


#: Errors outside `/trpc`.
PLAIN = ErrorShape("", _plain_schema, lambda response: json.loads(render_error(response).get_data()))
#: One error for each call if all fail alike; a single one if the batch was rejected as a whole.
_BATCH = ErrorShape("batch.", _batch_schema, _batch_example)
