"""The error responses in the document, and their three shapes: the REST routes', a procedure's and a batch's."""

import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from app.http.error_responses import ERROR_CODES, render_error, respond_with
from app.http.trpc.procedures import ROOT
from app.http.trpc.wire import CODES, failed

Tree = dict[str, Any]

OPENAPI = Path(__file__).parent / "openapi"
#: The prefixes of the names of REST routes' and batches' responses. Those of a procedure's begin with its name.
REST, BATCH = "", "batch."


def read_yaml(name: str) -> Tree:
    """The mapping in the YAML file of that name in `openapi`."""
    mapping: Tree = yaml.safe_load((OPENAPI / f"{name}.yaml").read_text(encoding="utf-8"))
    return mapping


_SCHEMAS = read_yaml("error_schemas")


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes by status, both in the order of `ERROR_CODES`."""
    known = sorted(set(codes), key=list(ERROR_CODES).index)
    return {status: list(group) for status, group in groupby(known, lambda code: ERROR_CODES[code].status)}


def prefix_of(path: str) -> str:
    """The prefix of the names of the error responses at a path of the document."""
    if not path.startswith(f"{ROOT}/"):
        return REST
    procedure = path.removeprefix(f"{ROOT}/")
    return BATCH if procedure.startswith("{") else f"{procedure}."


def error_schema(prefix: str, codes: Sequence[str]) -> Tree:
    """The schema of a body with one of these codes, or of one call's error in a batch."""
    errors = [ERROR_CODES[code] for code in codes]
    schema: Tree = deepcopy(_SCHEMAS["trpc" if prefix else "rest"])
    fields = schema["properties"]
    if prefix:
        statuses = sorted({error.status for error in errors})
        fields["error"]["properties"]["code"]["enum"] = sorted({CODES[status][1] for status in statuses})
        fields = fields["error"]["properties"]["data"]["properties"]
        fields["code"]["enum"] = list(dict.fromkeys(CODES[status][0] for status in statuses))
        fields["httpStatus"]["enum"] = statuses
    fields["reason" if prefix else "code"]["enum"] = list(codes)
    names = dict.fromkeys(error.details for error in errors if error.details)
    if details := [{"$ref": f"#/components/schemas/{name}"} for name in names]:
        fields["details"] = details[0] if len(details) == 1 else {"anyOf": details}
    return schema


def describe_error(prefix: str, codes: Sequence[str]) -> Tree:
    """The short form of a response with one of these codes, which have one status. Needs an application context."""
    errors = {code: ERROR_CODES[code] for code in codes}
    headers = [
        {*error.headers, *error.computed_headers, *(["Retry-After"] if error.retry_s else [])}
        for error in errors.values()
    ]
    always, ever = set.intersection(*headers), set.union(*headers)
    schema = error_schema(prefix, codes)
    return {
        "description": f"{HTTPStatus(errors[codes[0]].status).phrase}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": sorted(always),
        "optional_headers": sorted(ever - always),
        # A batch that is rejected as a whole has a single error.
        "schema": {"anyOf": [{"type": "array", "items": schema}, schema]} if prefix == BATCH else schema,
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
