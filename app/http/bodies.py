"""Request bodies: JSON, validated by a marshmallow schema, rejected with the contract's messages."""

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from app.http.error_responses import Invalid
from app.protocol.strict_json import parse_json

#: How many characters of a wrong value an error repeats.
MAX_EXCERPT = 100


def read_json() -> dict[str, Any]:
    """The body as a JSON object. Raises `Invalid`: 415 for another content type, 400 for anything but an object."""
    return as_object(parse(read_body()))


def read_body() -> bytes:
    """The whole body of a request whose content type is JSON. Raises `Invalid`: 415 for another type or a coding."""
    if not request.is_json:
        raise Invalid("unsupported_media_type")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Invalid("unsupported_content_encoding")
    data = request.get_data(cache=False)
    request.stream.read(1)  # raises 413 if a body without a length was cut at the limit
    return data


def parse(data: bytes) -> Any:
    """The value of a JSON text, which may begin with a byte order mark. Raises `Invalid`."""
    try:
        return parse_json(data.removeprefix(BOM_UTF8))
    except ValueError as error:
        raise Invalid("invalid_json") from error


def as_object(value: object) -> dict[str, Any]:
    """The value if it is a JSON object. Raises `Invalid`."""
    if not isinstance(value, dict):
        raise Invalid("invalid_json", "Invalid JSON: expected an object")
    return value


def load(schema: Schema, body: Mapping[str, Any]) -> dict[str, Any]:
    """The validated fields of the body. Raises `Invalid` for the first wrong field."""
    try:
        loaded: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise _invalid(schema, body, error) from error
    return loaded


def _invalid(schema: Schema, body: Mapping[str, Any], error: ValidationError) -> Invalid:
    keys = {field.data_key or name: field for name, field in schema.fields.items()}
    wrong = list(error.messages_dict)
    name = next((key for key in keys if key in wrong), wrong[0])
    value = excerpt(body.get(name))
    if name not in keys:
        return Invalid("unknown_field", field=excerpt(name), value=value, expected="no such field")
    expected = keys[name].metadata.get("expected", "a valid value")
    return Invalid("invalid_field" if name in body else "missing_field", field=name, value=value, expected=expected)


def excerpt(value: object) -> object:
    """The value as an error may repeat it: a small number as it is, anything else as text that is cut."""
    if value is None or (isinstance(value, int | float) and abs(value) < 10**15):
        return value
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "…"  # nested almost too deep to be parsed
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}…"
