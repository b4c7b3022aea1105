"""What is said of a route: who may ask what, and every answer there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby
from typing import Any

from marshmallow import Schema

from app.http.description.parameters import HEADERS
from app.http.description.problems import PROBLEMS
from app.http.description.shapes import PLAIN, JSONSchema, Shape

JSON = "application/json"
#: What every route may answer besides its own.
ALWAYS = ("bad_request", "internal_error")

#: A schema of marshmallow's, or JSON Schema with such in it.
AnySchema = type[Schema] | JSONSchema

#: Any of them will do, by the names of the document's security schemes; an empty one is none.
Security = tuple[dict[str, list[str]], ...]
NOBODY: Security = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no error. `headers` it always has, `maybe` sometimes; without a schema it has no body."""

    status: int
    description: str
    schema: AnySchema | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    mimetypes: tuple[str, ...] = (JSON,)
    headers: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body; the schema is the one that validates, and `name` what the document calls it."""

    name: str
    schema: Schema | JSONSchema
    examples: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `problems`: the codes of its errors. `parameters`: names, or parameters of its own. `security`: where it is another
    than the document's, which asks for a user's token.
    """

    method: str
    path: str
    id: str
    tag: str
    summary: str
    description: str
    replies: tuple[Reply, ...]
    problems: tuple[str, ...] = ()
    parameters: tuple[str | dict[str, Any], ...] = ()
    body: Body | None = None
    security: Security | None = None
    shape: Shape = PLAIN

    @property
    def statuses(self) -> dict[int, list[str]]:
        """The codes of its errors, by their statuses."""
        return by_status((*self.problems, *ALWAYS))

    def render(self) -> dict[str, Any]:
        """The Operation Object. Its errors are those of the document's `responses`."""
        responses: dict[str, Any] = {str(reply.status): _render_reply(reply) for reply in self.replies}
        responses |= {str(status): response_name(codes, self.shape) for status, codes in self.statuses.items()}
        rendered: dict[str, Any] = {
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
            "operationId": self.id,
            "parameters": list(self.parameters),
            "responses": dict(sorted(responses.items())),
        }
        if self.body:
            content = {"schema": self.body.name, "examples": _render_examples(self.body.examples)}
            rendered["requestBody"] = {"required": True, "content": {JSON: content}}
        if self.security is not None:
            rendered["security"] = list(self.security)
        return rendered


def by_status(codes: Sequence[str]) -> dict[int, list[str]]:
    """The codes by their statuses, both in the order of `PROBLEMS`."""
    known = [code for code in PROBLEMS if code in codes]
    return {status: list(group) for status, group in groupby(known, key=lambda code: PROBLEMS[code].answer.status)}


def response_name(codes: Sequence[str], shape: Shape) -> str:
    """What the document calls the answer that has one of these codes."""
    return shape.prefix + "-or-".join(codes)


def render_problems(codes: Sequence[str], shape: Shape) -> dict[str, Any]:
    """The Response Object of a status with these codes. Asks for an application's context."""
    problems = [PROBLEMS[code] for code in codes]
    sets = [set(problem.answer.headers) for problem in problems]
    always, ever = set.intersection(*sets), set.union(*sets)
    schemas: list[AnySchema] = [problem.details for problem in problems if problem.details]
    details: Any = {"anyOf": schemas} if len(schemas) > 1 else schemas[0] if schemas else None
    examples = {
        code: {
            "summary": problem.cause,
            "description": problem.cure,
            "value": shape.example(problem.answer),
        }
        for code, problem in zip(codes, problems, strict=True)
    }
    status = HTTPStatus(problems[0].answer.status)
    return {
        "description": f"{status.phrase}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": _render_headers(sorted(always), sorted(ever - always)),
        "content": {JSON: {"schema": shape.schema(codes, details), "examples": examples}},
    }


def _render_reply(reply: Reply) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "description": reply.description,
        "headers": _render_headers(reply.headers, reply.maybe),
    }
    if reply.schema is not None:
        content = {"schema": reply.schema, "examples": _render_examples(reply.examples)}
        rendered["content"] = dict.fromkeys(reply.mimetypes, content)
    return rendered


def _render_headers(always: Sequence[str], maybe: Sequence[str]) -> dict[str, Any]:
    """Those that are always there refer to the document's `headers`, where they are required."""
    return {**{name: name for name in ("X-Request-ID", *always)}, **{name: HEADERS[name] for name in maybe}}


def _render_examples(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in examples.items()}
