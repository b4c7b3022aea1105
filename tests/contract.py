"""Checks responses against `/openapi.json`.

The check is strict: a field that the document does not name is an error, though later releases may add some.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from app.http.error_responses import ERROR_CODES

DOCUMENT = "urn:openapi"
#: The path of tRPC's batches, and of requests for no procedure.
BATCH = "/trpc/{procedures}"


class Undocumented(AssertionError):
    """The document does not describe this response."""


class Contract:
    """The document, and the checks of responses against it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = copy.deepcopy(dict(document))
        _close(self.document)
        templates = sorted(self.document["paths"], key=lambda path: "{" in path)
        self._paths = [(_pattern(template), template) for template in templates]
        resource: Resource[Any] = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self._validator = cache(self._make_validator)

    def check(self, method: str, path: str, query: str, status: int, headers: Headers, body: bytes | None) -> None:
        """Raises `Undocumented` unless the document describes that response to that request.

        `path` and `query` are unquoted. A body that is None is not checked.
        """
        where = f"{method} {path[:100]} returned {status}"
        if method == "OPTIONS" and status == 200:
            return  # the framework handles it wherever there is a route
        pointer = self._find_response("GET" if method == "HEAD" else method, path, query, status)
        if pointer is None:
            raise Undocumented(f"{where}, which is not described")
        response = self.resolve(pointer)
        for name, header in response.get("headers", {}).items():
            target = self.resolve(header["$ref"].removeprefix("#")) if "$ref" in header else header
            if target.get("required") and name not in headers:
                raise Undocumented(f"{where} without {name}")
        if body is None or method == "HEAD":
            return
        content = response.get("content")
        if not content:
            if body:
                raise Undocumented(f"{where} with a body")
            return
        mimetype = headers.get("Content-Type", "").partition(";")[0]
        if mimetype not in content:
            raise Undocumented(f"{where} with {mimetype}, not {', '.join(content)}")
        if mimetype == "application/json":
            value = json.loads(body)
            self.check_body(f"{pointer}/content/{_escape(mimetype)}/schema", _without_the_platforms(value), where)
            known = response.get("x-codes", ERROR_CODES)
            if unknown := [code for code in _codes(value) if code not in known]:
                raise Undocumented(f"{where} with the codes {unknown}")

    def check_body(self, pointer: str, value: object, where: str = "") -> None:
        """Raises `Undocumented` unless the value matches the schema at that place of the document."""
        error = next(self._validator(pointer).iter_errors(value), None)
        if error is not None:
            raise Undocumented(f"{where} {pointer}: {error.json_path} {error.message[:1000]}")

    def resolve(self, pointer: str) -> Any:
        """The value at that place of the document, with references resolved."""
        return self._resolve(pointer)[1]

    def place(self, pointer: str) -> str:
        """That place, or the target of a reference there."""
        return self._resolve(pointer)[0]

    def _resolve(self, pointer: str) -> tuple[str, Any]:
        found: Any = self.document
        for name in pointer.strip("/").split("/"):
            found = found[name.replace("~1", "/").replace("~0", "~")]
        return self._resolve(found["$ref"].removeprefix("#")) if "$ref" in found else (pointer, found)

    def _find_response(self, method: str, path: str, query: str, status: int) -> str | None:
        """The place that describes the response, or None."""
        batch = parse_qs(query).get("batch", [""])[-1] == "1"
        templates = [template for pattern, template in self._paths if pattern.fullmatch(path)]
        if batch and BATCH in templates:
            templates = [BATCH]
        for template in templates:
            operation = self.document["paths"][template].get(method.lower())
            if operation:
                found = f"/paths/{_escape(template)}/{method.lower()}/responses/{status}"
                return self._resolve(found)[0] if str(status) in operation["responses"] else None
        if BATCH in templates:
            return self._find_response("GET", path, "batch=1", status)
        code = {
            400: "bad_request",
            500: "internal_error",
            **({405: "method_not_allowed"} if templates else {404: "not_found"}),
        }
        return f"/components/responses/{code[status]}" if status in code else None

    def _make_validator(self, pointer: str) -> Draft202012Validator:
        return Draft202012Validator(
            {"$ref": f"{DOCUMENT}#{pointer}"},
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )


class CheckedClient(FlaskClient):
    """Rejects responses that are not described, except those of tests' own views. Event streams are not read."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        request = response.request
        if not _is_of_a_test(self.application, request.method, request.path):
            contract_of(self.application).check(
                request.method,
                request.path,
                request.query_string.decode("latin-1"),
                response.status_code,
                response.headers,
                None if response.mimetype == "text/event-stream" else response.get_data(),
            )
        return response


def contract_of(app: Flask) -> Contract:
    """The contract of the application; made once, because it is the same for all."""
    if not _contracts:
        _contracts.append(Contract(json.loads(app.extensions["openapi"]())))
    return _contracts[0]


_contracts: list[Contract] = []


def _codes(body: Any) -> Iterator[str]:
    """The codes of the errors in a body, in the shape of REST or of tRPC."""
    match body:
        case {"error": str(), "code": code}:
            yield code
        case {"error": {"data": {"reason": code}}}:
            yield code
        case list() | {"0": _}:
            for item in body.values() if isinstance(body, dict) else body:
                yield from _codes(item)


def _without_the_platforms(body: Any) -> Any:
    """The body without the parts of a status that the platform wrote, which may be anything."""
    match body:
        case {"result": {"data": data}}:
            return {"result": {"data": _without_the_platforms(data)}}
        case {"currentGenerationStatus": None, "generationProgress": _}:
            return {**body, "generationProgress": None}
        case {"generationProgress": {"files": list()} as progress}:
            return {**body, "generationProgress": {**progress, "files": []}}
        case list():
            return [_without_the_platforms(item) for item in body]
    return body


def _is_of_a_test(app: Flask, method: str, path: str) -> bool:
    """Whether a test added the view for that path."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return False
    return app.view_functions[endpoint].__module__.startswith("tests.")


def _close(schema: Any) -> None:
    """Forbids additional fields in every object whose fields are described."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for item in schema:
            _close(item)


def _pattern(template: str) -> re.Pattern[str]:
    if template == BATCH:
        return re.compile("/trpc(/.*)?", re.DOTALL)
    parts = ["[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/")]
    return re.compile("/".join(parts) + ("" if "/trpc/" in template else "/?"))


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
