"""The operations of tRPC's procedures, made from the REST operations that do the same."""

from typing import Any

from app.http.description.error_shapes import JSON, object_of
from app.http.trpc.procedures import ROOT

Tree = dict[str, Any]

#: The errors of any input, and those of an input in a body.
_INPUT_ERRORS = ["invalid_json", "missing_field", "invalid_field"]
_BODY_ERRORS = [*_INPUT_ERRORS, "request_entity_too_large", "unsupported_media_type"]
#: The error that no procedure returns: they ignore fields that they do not know.
_REST_ONLY = "unknown_field"
_BATCH_ERRORS = ["procedure_not_found", "method_not_allowed", "batch_too_large"]


def derive_procedures(paths: Tree) -> Tree:
    """The path items of the procedures. `paths` are those of `operations.yaml`."""
    return {
        f"{ROOT}/{operation['procedure']['name']}": {method: _derive(f"{method.upper()} {path}", operation)}
        for path, item in paths.items()
        for method, operation in item.items()
        if "procedure" in operation
    }


def batch_errors(procedures: Tree) -> list[str]:
    """The errors of any call in a batch."""
    codes = {code for item in procedures.values() for operation in item.values() for code in operation["errors"]}
    return [*sorted(codes), *_BATCH_ERRORS]


def result_of(data: str | Tree) -> Tree:
    """The schema of a successful call's body."""
    return object_of({"result": object_of({"data": data})})


def _derive(like: str, operation: Tree) -> Tree:
    procedure, success = operation["procedure"], operation["responses"][200]
    success = {**success, **procedure.get("response", {}), "headers": []}
    success["schema"] = result_of(success["schema"])
    success["examples"] = {name: {"result": {"data": value}} for name, value in success["examples"].items()}
    in_query = like.startswith("GET")
    derived = {
        "tags": ["tRPC"],
        "operationId": procedure["name"],
        "summary": procedure["name"],
        "description": f"Does the same as `{like}`. Unknown fields of the input are ignored.",
        "parameters": [name for name in operation["parameters"] if name == "idempotencyKey"],
        "responses": {200: success},
        "errors": sorted({*operation["errors"], *(_INPUT_ERRORS if in_query else _BODY_ERRORS)} - {_REST_ONLY}),
    }
    if not in_query:
        return {**derived, "body": procedure["input"]}
    content = {"schema": procedure["input"]["schema"], "example": next(iter(procedure["input"]["examples"].values()))}
    query = {"name": "input", "in": "query", "required": True, "description": "The input, as JSON."}
    return {**derived, "parameters": [{**query, "content": {JSON: content}}]}
