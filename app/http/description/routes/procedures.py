"""The tRPC procedures, called alone."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from app.http.description import answers, examples
from app.http.description.operations import JSON, Body, Operation, Reply
from app.http.description.routes.generations import (
    ADMISSION_PROBLEMS,
    CANCEL_PROBLEMS,
    COURSE_PROBLEMS,
    RATE_LIMIT,
    STATUS_EXAMPLES,
)
from app.http.description.shapes import JSONSchema, trpc
from app.http.trpc.procedures import COURSE_INPUT, GENERATION_INPUT, ROOT

TAG = "tRPC"

INPUT_PROBLEMS = ("invalid_json", "missing_field", "invalid_field")
WRITE_PROBLEMS = (*INPUT_PROBLEMS, "request_entity_too_large", "unsupported_media_type")


def result(data: type[Schema] | JSONSchema) -> JSONSchema:
    inner = {"type": "object", "properties": {"data": data}, "required": ["data"]}
    return {"type": "object", "properties": {"result": inner}, "required": ["result"]}


def _results(bodies: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"result": {"data": body}} for name, body in bodies.items()}


def query_input(description: str, schema: str | JSONSchema, example: Any) -> dict[str, Any]:
    content = {JSON: {"schema": schema, "example": example}}
    return {"name": "input", "in": "query", "required": True, "description": description, "content": content}


def _procedure(name: str, method: str, like: str, reply: Reply, **rest: Any) -> Operation:
    return Operation(
        method=method,
        path=f"{ROOT}/{name}",
        id=name,
        tag=TAG,
        summary=name,
        description=f"As `{like}`, for tRPC's clients. What the input has besides is ignored.",
        replies=(reply,),
        shape=trpc(name),
        **rest,
    )


OPERATIONS = [
    _procedure(
        "generation.initiate",
        "post",
        "POST /api/coursegen/generate",
        Reply(
            200,
            "The generation was admitted.",
            result(answers.InitiatedSchema),
            _results({"admitted": examples.INITIATED}),
            maybe=(*RATE_LIMIT, "Idempotent-Replayed"),
        ),
        parameters=("idempotencyKey",),
        body=Body(
            "InitiateInput",
            GENERATION_INPUT,
            {"course": examples.ORDER, "with_webhook": examples.ORDER_WITH_WEBHOOK},
        ),
        problems=ADMISSION_PROBLEMS,
    ),
    _procedure(
        "generation.cancel",
        "post",
        "POST /api/courses/{slug}/cancel",
        Reply(
            200,
            "The generation was cancelled.",
            result(answers.CancelledSchema),
            _results({"cancelled": examples.CANCELLED}),
        ),
        body=Body("CourseInput", COURSE_INPUT, {"course": examples.ORDER}),
        problems=(*CANCEL_PROBLEMS, *WRITE_PROBLEMS),
    ),
    _procedure(
        "generation.status",
        "get",
        "GET /api/courses/{slug}/check-status",
        Reply(200, "How the course stands.", result(answers.CourseStatusSchema), _results(STATUS_EXAMPLES)),
        parameters=(query_input("What names the course, as JSON.", "CourseInput", examples.ORDER),),
        problems=(*COURSE_PROBLEMS, *INPUT_PROBLEMS),
    ),
]
