"""The body of a request: JSON, checked against a marshmallow schema, refused with the contract's words."""

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from app.current import current_request
from app.http.error_responses import Invalid
from app.strict_json import parse_json

#: As most clients name it; the others' words are read.
JSON = "application/json"
#: How much of a wrong value an answer repeats.
SHOWN = 100


def read_json() -> dict[str, Any]:
    """The body as a JSON object. Raises `Invalid`: 415 for another content type, 400 for what is no JSON object."""
    return as_object(parse(read_body()))


def read_body() -> bytes:
    """The body, which says of itself that it is JSON. Raises `Invalid`: 415 for another content type."""
    request = current_request()
    if request.environ.get("CONTENT_TYPE") != JSON and not request.is_json:
        raise Invalid("Content-Type must be application/json", "unsupported_media_type", status=415)
    length = request.content_length
    if length is None:
        data = request.get_data(cache=False)
        request.stream.read(1)  # a body sent without its length and cut at the limit is refused by reading on
        return data
    # The framework would clear 64 KiB for each of the two times that it reads.
    data = request.stream.read(length)
    while len(data) < length and (more := request.stream.read(length - len(data))):
        data += more
    return data


def parse(data: bytes) -> Any:
    """The value of a JSON text. Raises `Invalid`."""
    try:
        return parse_json(data)
    except ValueError as error:
        raise Invalid("Invalid JSON", "invalid_json") from error


def as_object(value: object) -> dict[str, Any]:
    """The value, which is a JSON object. Raises `Invalid`."""
    if not isinstance(value, dict):
        raise Invalid("Invalid JSON: expected an object", "invalid_json")
    return value


def load(schema: Schema, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body's fields, validated. Raises `Invalid` naming the first wrong field."""
    try:
        loaded: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise _invalid(schema, body, error) from error
    return loaded


def _invalid(schema: Schema, body: Mapping[str, Any], error: ValidationError) -> Invalid:
    keys = {field.data_key or name: field for name, field in schema.fields.items()}
    wrong = list(error.messages_dict)
    name = next((key for key in keys if key in wrong), wrong[0])
    if name not in keys:
        details = {"field": shown(name), "value": shown(body.get(name)), "expected": "no such field"}
        return Invalid(f"Unknown field: {shown(name)}", "unknown_field", details)
    expected = keys[name].metadata.get("expected", "a valid value")
    details = {"field": name, "value": shown(body.get(name)), "expected": expected}
    if name not in body:
        return Invalid(f"Missing required field: {name}", "missing_field", details)
    return Invalid(f"Invalid {name} format", "invalid_field", details)


def shown(value: object) -> object:
    """The value as an answer may repeat it: small scalars as they are, text cut and encodable, the rest as text."""
    if value is None or (isinstance(value, int | float) and abs(value) < 10**15):
        return value
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "…"  # it was shallow enough to be read, but only just
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
