"""What every answer of the contract has in common."""

from typing import Any, cast

from werkzeug.test import TestResponse

UNAUTHORIZED = "Unauthorized: Invalid or missing authentication token"


def assert_error(response: TestResponse, status: int, error: str, code: str, details: object = None) -> None:
    """The answer is this error, in the contract's shape, and nothing else."""
    assert response.status_code == status, response.text
    assert error_body(response) == {
        "error": error,
        **({"details": details} if details is not None else {}),
        "code": code,
        "requestId": response.headers["X-Request-ID"],
    }


def assert_unauthorized(response: TestResponse) -> None:
    assert_error(response, 401, UNAUTHORIZED, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def error_body(response: TestResponse) -> dict[str, Any]:
    """The body of any error, in the contract's shape."""
    assert response.mimetype == "application/json", response.text
    body = response.json
    assert isinstance(body, dict)
    assert body.keys() - {"details"} == {"error", "code", "requestId"}
    assert isinstance(body["error"], str)
    assert body["error"]
    assert isinstance(body["code"], str)
    assert body["code"].replace("_", "").isalnum()
    assert body["requestId"] == response.headers["X-Request-ID"]
    assert isinstance(body.get("details", {}), dict)
    return cast(dict[str, Any], body)
