"""Error responses: the one place that maps exceptions to statuses.

A body is `{"error", "details"?, "code", "requestId"}`. None has a traceback, SQL or a secret.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from app.auth.remote_keys import KeysUnavailable
from app.generation import errors as domain
from app.generation.database_errors import is_unavailable
from app.http.middleware.request_context import request_id
from app.http.rate_limit import rate_limit

log = logging.getLogger(__name__)


class Unauthorized(Exception):
    """The token is missing, malformed, expired or forged."""


@dataclass(eq=False)
class Invalid(Exception):
    """A part of the request is missing or malformed."""

    message: str
    code: str = "invalid_request"
    details: Mapping[str, Any] | None = None
    status: int = 400


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The response to an error, before it is rendered. `retry_s` becomes the header `Retry-After`."""

    status: int
    message: str
    code: str
    details: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_s: int | None = None


Render = Callable[[ErrorResponse], Response]


def register_errors(app: Flask, renders: Mapping[str, Render]) -> None:
    """Renders every exception of a view or of Flask as an error of the contract.

    `renders` maps the first part of a path to the function that renders its errors, where their shape is another.
    """

    def handle(error: Exception) -> Response:
        first_part = "/".join(request.path.split("/", 2)[:2])
        return renders.get(first_part, render_error)(handle_error(error))

    app.register_error_handler(Exception, handle)


def handle_error(error: Exception) -> ErrorResponse:
    """The response to an error. Logs those that an operator should look into."""
    response = error_response(error)
    if response.status == 500:
        log.error("request_failed", exc_info=error)
    elif response.status == 503:
        log.warning("request_rejected", extra={"code": response.code, "error": f"{type(error).__name__}: {error}"})
    # Breaks the reference cycle traceback → frame → error, which an error that another thread decided would form.
    error.__traceback__ = None
    return response


def render_error(error: ErrorResponse) -> Response:
    """The response in the contract's own shape."""
    body: dict[str, Any] = {"error": error.message}
    if error.details is not None:
        body["details"] = error.details
    response = jsonify({**body, "code": error.code, "requestId": request_id.get()})
    response.status_code = error.status
    response.headers.extend(error.headers)
    return response


def error_response(error: Exception) -> ErrorResponse:
    """The response to an exception; an unexpected one is a 500 that says nothing about its cause."""
    response = RESPONSES.get(type(error)) or _response(error)
    if response.retry_s is None:
        return response
    # Up to half as much again, so that clients rejected together don't return together.
    delay_s = int(random.uniform(response.retry_s, response.retry_s * 1.5))  # noqa: S311
    return replace(response, headers={**response.headers, "Retry-After": str(delay_s)})


_UNAVAILABLE = ErrorResponse(503, "The service is temporarily unavailable. Please try again.", "unavailable", retry_s=5)
_NO_STREAM = ErrorResponse(
    503,
    "Too many courses are followed live just now. Poll check-status, or try again.",
    "too_many_streams",
    retry_s=10,
)

#: The responses to exceptions without data.
RESPONSES: Mapping[type[Exception], ErrorResponse] = {
    Unauthorized: ErrorResponse(
        401,
        "Unauthorized: Invalid or missing authentication token",
        "unauthorized",
        headers={"WWW-Authenticate": "Bearer"},
    ),
    KeysUnavailable: _UNAVAILABLE,
    domain.Forbidden: ErrorResponse(403, "Forbidden: You do not have access to this course", "forbidden"),
    domain.CourseNotFound: ErrorResponse(404, "Course not found", "course_not_found"),
    domain.NothingActive: ErrorResponse(409, "No active generation to cancel", "nothing_active"),
    domain.KeyInFlight: ErrorResponse(
        409, "A request with the same Idempotency-Key is still under way", "idempotency_in_flight", retry_s=2
    ),
    domain.KeyReused: ErrorResponse(
        422, "The Idempotency-Key was used with another request before", "idempotency_key_reused"
    ),
    domain.AdmissionFailed: ErrorResponse(
        500, "Не удалось инициализировать генерацию курса. Попробуйте позже.", "admission_failed"
    ),
    domain.OutcomeUnknown: ErrorResponse(
        503,
        "The outcome is not known yet. Check the course's status before trying again.",
        "outcome_unknown",
        retry_s=15,
    ),
    domain.WatchFull: _NO_STREAM,
    domain.WatchEnded: _NO_STREAM,
}


def _response(error: Exception) -> ErrorResponse:
    match error:
        case Invalid():
            return ErrorResponse(error.status, error.message, error.code, error.details)
        case domain.UserFull():
            allowed = f"{error.tier.value} tier allows {error.user_limit} concurrent course generation."
            message = f"Too many concurrent jobs. {allowed}"
            return ErrorResponse(429, message, "user_limit", _user_counts(error), rate_limit(error), retry_s=30)
        case domain.SystemFull():
            counts = {"global_limit": error.system_limit, "global_active_jobs": error.system_active}
            details = {**_user_counts(error), **counts}
            message = "System at capacity. Please try again in a few minutes."
            return ErrorResponse(429, message, "system_limit", details, rate_limit(error), retry_s=60)
        case domain.GenerationActive():
            details = {"jobId": str(error.generation_id)} if error.generation_id else {}
            return ErrorResponse(409, "Course generation is already in progress", "generation_active", details)
        case HTTPException():
            name = error.name or "Error"
            methods = getattr(error, "valid_methods", None)
            headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
            return ErrorResponse(error.code or 500, name, name.lower().replace(" ", "_"), headers=headers)
    return _UNAVAILABLE if is_unavailable(error) else ErrorResponse(500, "Internal server error", "internal_error")


def _user_counts(error: domain.SlotsFull) -> dict[str, Any]:
    return {"tier": error.tier.value, "user_limit": error.user_limit, "current_user_jobs": error.user_active}
