"""The wire format of tRPC 11 without a transformer: inputs, results and errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, current_app, request

from app.http.bodies import excerpt, parse, read_body
from app.http.error_responses import ErrorResponse, Invalid
from app.http.middleware.request_context import request_id

JSON_LINES = "application/jsonl"

#: tRPC's name and number of each HTTP status. The numbers are those of JSON-RPC and of its range for servers.
CODES = {
    400: ("BAD_REQUEST", -32600),
    401: ("UNAUTHORIZED", -32001),
    403: ("FORBIDDEN", -32003),
    404: ("NOT_FOUND", -32004),
    405: ("METHOD_NOT_SUPPORTED", -32005),
    408: ("TIMEOUT", -32008),
    409: ("CONFLICT", -32009),
    413: ("PAYLOAD_TOO_LARGE", -32013),
    414: ("BAD_REQUEST", -32600),
    415: ("UNSUPPORTED_MEDIA_TYPE", -32015),
    422: ("UNPROCESSABLE_CONTENT", -32022),
    429: ("TOO_MANY_REQUESTS", -32029),
    431: ("BAD_REQUEST", -32600),
    500: ("INTERNAL_SERVER_ERROR", -32603),
    501: ("NOT_IMPLEMENTED", -32603),
    503: ("SERVICE_UNAVAILABLE", -32603),
}


@dataclass(frozen=True, slots=True)
class CallResult:
    """A finished call: its HTTP status, its JSON text, and its headers for the whole response."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


def succeeded(data: str) -> CallResult:
    """A successful call; `data` is its result as JSON text."""
    return CallResult(200, f'{{"result":{{"data":{data}}}}}')


def failed(path: str, error: ErrorResponse) -> CallResult:
    """A call that was rejected or failed: tRPC's shape, with our code as `data.reason`."""
    name, number = CODES.get(error.status) or CODES[400 if error.status < 500 else 500]
    data = {"code": name, "httpStatus": error.status, "path": excerpt(path), "reason": error.code}
    if error.details is not None:
        data["details"] = error.details
    data["requestId"] = request_id.get()
    body = {"error": {"message": error.message, "code": number, "data": data}}
    return CallResult(error.status, current_app.json.dumps(body), error.headers)


def is_batch() -> bool:
    """Whether the request's path lists procedures, separated by commas, and its input has one entry for each."""
    return _parameter("batch") == "1"


def read_inputs(count: int) -> list[Any]:
    """The input of each call of the request; an empty object for a call without one. Raises `Invalid`."""
    text = read_body() if request.method == "POST" else _parameter("input").encode()
    given = parse(text) if text else {}
    if not is_batch():
        return [given]
    if not isinstance(given, dict):
        raise Invalid("invalid_json", "The inputs of a batch are an object by the calls' indexes")
    return [given.get(str(index), {}) for index in range(count)]


def respond(results: Sequence[CallResult]) -> Response:
    """The response: one call, or those of a batch in order, under their common status or 207.

    A streamed batch is one line with status 200: its client reads any other status as a failure of the whole batch.
    """
    if not is_batch():
        [result] = results
        return _response(result.text, result.status, results)
    if _wants_lines():
        lines = ",".join(f'"{index}":[[{result.text}]]' for index, result in enumerate(results))
        return _response(f"{{{lines}}}\n", 200, results)
    statuses = {result.status for result in results}
    status = statuses.pop() if len(statuses) == 1 else 207
    return _response(f"[{','.join(result.text for result in results)}]", status, results)


def respond_whole(result: CallResult) -> Response:
    """The response to a batch that fails before it is split: clients apply a lone error to each call."""
    return _response(result.text, result.status, [result])


def _response(text: str, status: int, results: Sequence[CallResult]) -> Response:
    response = Response(text, status, mimetype="application/json")
    # Of several Retry-After, the longest remains.
    for result in sorted(results, key=lambda result: int(result.headers.get("Retry-After", 0))):
        response.headers.update(result.headers)
    response.headers["Vary"] = "trpc-accept, Accept, Authorization"
    return response


def _parameter(name: str) -> str:
    """The first query parameter of that name, or an empty text. Flask's own parser fails on invalid UTF-8."""
    query = parse_qsl(request.query_string.decode("utf-8", "replace"), keep_blank_values=True)
    return next((value for found, value in query if found == name), "")


def _wants_lines() -> bool:
    wanted = request.headers.get("trpc-accept") or request.headers.get("Accept", "")
    return JSON_LINES in [part.strip() for part in wanted.split(",")]
