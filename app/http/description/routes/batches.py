"""Calling several tRPC procedures at once."""

from typing import Any

from app.http.description import examples
from app.http.description.operations import ALWAYS, Body, Operation, Reply
from app.http.description.routes.generations import ADMISSION_PROBLEMS, RATE_LIMIT
from app.http.description.routes.procedures import TAG, query_input, result
from app.http.description.shapes import BATCH, JSONSchema, trpc_schema
from app.http.trpc.procedures import MAX_CALLS, ROOT

#: What any call of a batch may be told.
PROBLEMS = (*ADMISSION_PROBLEMS, "nothing_active", "procedure_not_found", "method_not_allowed", "batch_too_large")


def _procedures(example: str) -> JSONSchema:
    return {
        "name": "procedures",
        "in": "path",
        "required": True,
        "description": f"The procedures, set apart by commas; at most {MAX_CALLS}.",
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


_BATCH = {
    "name": "batch",
    "in": "query",
    "required": True,
    "description": "That the path holds several procedures.",
    "schema": {"type": "string", "enum": ["1"]},
}
_INPUTS: JSONSchema = {
    "type": "object",
    "description": "The input of each call by its index, from 0; an object without it is an empty input.",
    "additionalProperties": True,
}
_TWO = {"0": examples.ORDER, "1": {"courseId": "0b1f7d36-6f9c-4f57-8a3c-b9b2c1d0e4f5"}}

#: The document's schema `TrpcCall`.
CALL: JSONSchema = {
    "description": "What the procedure answers when it is called alone.",
    "anyOf": [result({}), trpc_schema((*PROBLEMS, *ALWAYS), {"type": "object"})],
}
_CALL = {"$ref": "#/components/schemas/TrpcCall"}
_CALLS: JSONSchema = {"type": "array", "items": _CALL}
_LINE: JSONSchema = {
    "type": "object",
    "description": "A streamed batch: the calls by their indexes.",
    "additionalProperties": {"type": "array", "items": {"type": "array", "items": _CALL}},
}
_FOUND = {"result": {"data": examples.STATUS}}
_MISSING = {
    "error": {
        "message": "Course not found",
        "code": -32004,
        "data": {
            "code": "NOT_FOUND",
            "httpStatus": 404,
            "path": "generation.status",
            "reason": "course_not_found",
            "requestId": examples.REQUEST_ID,
        },
    }
}


def _batch(method: str, **rest: Any) -> Operation:
    return Operation(
        method=method,
        path=f"{ROOT}/{{procedures}}",
        id=f"batch.{method}",
        tag=TAG,
        summary="A batch of calls",
        description=(
            "A batch as tRPC's clients send it. Its calls are decided one by one and answered in their order, under "
            "their common status, or 207 where they differ. `trpc-accept: application/jsonl` has the batch "
            "streamed, as `httpBatchStreamLink` wants it: one line, always under 200."
        ),
        replies=(
            Reply(
                200,
                "Every call succeeded; or the batch is streamed, and each call says how it went.",
                {"anyOf": [_CALLS, _LINE]},
                {"batch": [_FOUND, _FOUND], "streamed": {"0": [[_FOUND]], "1": [[_MISSING]]}},
                maybe=(*RATE_LIMIT, "Idempotent-Replayed", "Retry-After"),
            ),
            Reply(
                207,
                "The calls differ in their status; each says its own.",
                _CALLS,
                {"batch": [_FOUND, _MISSING]},
                maybe=(*RATE_LIMIT, "Idempotent-Replayed", "Retry-After", "WWW-Authenticate", "Allow"),
            ),
        ),
        problems=PROBLEMS,
        shape=BATCH,
        **rest,
    )


OPERATIONS = [
    _batch(
        "get",
        parameters=(
            _procedures("generation.status,generation.status"),
            _BATCH,
            query_input("The calls' inputs, as JSON.", _INPUTS, _TWO),
        ),
    ),
    _batch(
        "post",
        parameters=(_procedures("generation.cancel,generation.cancel"), _BATCH, "idempotencyKey"),
        body=Body("BatchInput", _INPUTS, {"two_courses": _TWO}),
    ),
]
