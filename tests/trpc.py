"""tRPC as its clients read it, from the answer to a request."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

#: The library's number of each name.
NUMBERS = {
    "BAD_REQUEST": -32600,
    "UNAUTHORIZED": -32001,
    "FORBIDDEN": -32003,
    "NOT_FOUND": -32004,
    "METHOD_NOT_SUPPORTED": -32005,
    "CONFLICT": -32009,
    "PAYLOAD_TOO_LARGE": -32013,
    "UNSUPPORTED_MEDIA_TYPE": -32015,
    "UNPROCESSABLE_CONTENT": -32022,
    "TOO_MANY_REQUESTS": -32029,
    "INTERNAL_SERVER_ERROR": -32603,
    "SERVICE_UNAVAILABLE": -32603,
}


def query(client: FlaskClient, path: str, value: object = None, *, batch: bool = False, **request: Any) -> TestResponse:
    """The answer to a query; without a value it has no input."""
    parts = [*(["batch=1"] if batch else []), *([f"input={quote(json.dumps(value))}"] if value is not None else [])]
    return client.get(f"/trpc/{path}?{'&'.join(parts)}", **request)


def mutate(client: FlaskClient, path: str, value: object, *, batch: bool = False, **request: Any) -> TestResponse:
    """The answer to a mutation."""
    return client.post(f"/trpc/{path}{'?batch=1' if batch else ''}", json=value, **request)


def errors(response: TestResponse) -> list[Any]:
    """The errors of all calls, each in the library's shape, with the fields that this service adds."""
    assert response.mimetype == "application/json"
    items = response.json if isinstance(response.json, list) else [response.json]
    return [error(item, response) for item in items]


def error(item: Any, response: TestResponse) -> dict[str, Any]:
    """The error that stands for one call."""
    assert item.keys() == {"error"}, item
    found: dict[str, Any] = item["error"]
    data = found["data"]
    assert found.keys() == {"message", "code", "data"}
    assert data.keys() - {"details"} == {"code", "httpStatus", "path", "reason", "requestId"}
    assert found["message"]
    assert found["code"] == NUMBERS[data["code"]]
    assert data["reason"].replace("_", "").isalnum()
    assert data["requestId"] == response.headers["X-Request-ID"]
    return found


def outcome(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """What clients act on: a result's data, or an error's number, name, status and path."""
    if "result" in item:
        return (item["result"]["data"],)
    data = item["error"]["data"]
    return item["error"]["code"], data["code"], data["httpStatus"], data.get("path")


def read_items(request: Mapping[str, Any], body: str) -> list[Any]:
    """What the body of a recorded answer says of each call; of a batch refused with a lone error, that once."""
    if "trpc-accept" in request["headers"]:
        return read_lines(body)
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


def read_lines(text: str) -> list[Any]:
    """What a streamed batch says of each call, as its reader puts it together.

    A value is `[[value], [key, 0, number]…]`: what stands at each key comes in a later line `[number, 0, value]`.
    """
    head, *chunks = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
    later = {number: value for number, status, value in chunks if status == 0}

    def resolve(encoded: Any) -> Any:
        [[value], *parts] = encoded
        for key, kind, number in parts:
            assert kind == 0
            if key is None:
                return resolve(later[number])
            value[key] = resolve(later[number])
        return value

    return [resolve(head[str(index)]) for index in range(len(head))]
