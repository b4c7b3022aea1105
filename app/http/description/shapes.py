"""The two shapes of an error: the contract's own, and the one that tRPC's client reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import json

from app.http.description.problems import PROBLEMS
from app.http.error_responses import ErrorResponse, render_error
from app.http.trpc.wire import CODES, failed

JSONSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """`schema`: of a body with one of these codes, whose details look like that. `example`: of a body.

    `prefix`: of what the document calls such answers. An example is made by the code that answers, and therefore within
    an application's context.
    """

    prefix: str
    schema: Callable[[Sequence[str], JSONSchema | None], JSONSchema]
    example: Callable[[ErrorResponse], Any]


def _plain_schema(codes: Sequence[str], details: JSONSchema | None) -> JSONSchema:
    properties = {
        "error": {"type": "string", "description": "For people."},
        **({"details": details} if details else {}),
        "code": {"type": "string", "enum": list(codes), "description": "For programs; it stays."},
        "requestId": {"type": "string", "description": "The log tells more under it."},
    }
    return {"type": "object", "properties": properties, "required": ["error", "code", "requestId"]}


def _plain_example(answer: ErrorResponse) -> Any:
    return json.loads(render_error(answer).get_data())


#: Every error outside `/trpc`.
PLAIN = Shape("", _plain_schema, _plain_example)


def trpc_schema(codes: Sequence[str], details: JSONSchema | None) -> JSONSchema:
    """Of one call's error with one of these codes."""
    statuses = sorted({PROBLEMS[code].answer.status for code in codes})
    data = {
        "code": {"type": "string", "enum": [CODES[status][0] for status in statuses], "description": "tRPC's code."},
        "httpStatus": {"type": "integer", "enum": statuses},
        "path": {"type": "string", "description": "The procedure."},
        "reason": {"type": "string", "enum": list(codes), "description": "The `code` of the REST routes' errors."},
        **({"details": details} if details else {}),
        "requestId": {"type": "string", "description": "The log tells more under it."},
    }
    required = [name for name in data if name != "details"]
    error = {
        "message": {"type": "string", "description": "For people."},
        "code": {"type": "integer", "enum": sorted({CODES[status][1] for status in statuses})},
        "data": {"type": "object", "properties": data, "required": required},
    }
    inner = {"type": "object", "properties": error, "required": list(error)}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"]}


def trpc(path: str) -> Shape:
    """The errors of that procedure, called alone."""
    return Shape(f"{path}.", trpc_schema, lambda answer: json.loads(failed(path, answer).text))


def _batch_schema(codes: Sequence[str], details: JSONSchema | None) -> JSONSchema:
    error = trpc_schema(codes, details)
    return {"anyOf": [{"type": "array", "items": error}, error]}


def _batch_example(answer: ErrorResponse) -> Any:
    error = json.loads(failed("generation.initiate", answer).text)
    return error if answer.code == "batch_too_large" else [error]


#: The errors of a batch: of each call where all fail alike, a lone one where it was not taken apart.
BATCH = Shape("batch.", _batch_schema, _batch_example)
