"""Error responses: the one place that maps exceptions to the errors of `errors.yaml`.

A body is `{"error", "details"?, "code", "requestId"}`. None has a traceback, SQL or a secret.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from app.auth.remote_keys import KeysUnavailable
from app.generation import errors as domain
from app.generation.database_errors import is_unavailable
from app.http.middleware.request_context import request_id
from app.http.rate_limit import rate_limit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An entry of `errors.yaml`, which explains the fields."""

    status: int
    message: str
    cause: str
    fix: str
    details: str | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    computed_headers: tuple[str, ...] = ()
    retry_s: int | None = None


#: By code, in the order of their statuses.
ERROR_CODES: Mapping[str, ErrorCode] = {
    code: ErrorCode(**entry)
    for code, entry in yaml.safe_load(Path(__file__).with_name("errors.yaml").read_text(encoding="utf-8")).items()
}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The response to an error, before it is rendered."""

    status: int
    message: str
    code: str
    details: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Unauthorized(Exception):
    """The token is missing, malformed, expired or forged."""


class Invalid(Exception):
    """A part of the request is missing or malformed. The arguments are those of `respond_with`."""

    def __init__(self, code: str, message: str | None = None, **values: Any) -> None:
        super().__init__(code)
        self.response = respond_with(code, message, **values)


def register_errors(app: Flask, renders: Mapping[str, Callable[[ErrorResponse], Response]]) -> None:
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
    details = {} if error.details is None else {"details": error.details}
    response = jsonify({"error": error.message, **details, "code": error.code, "requestId": request_id.get()})
    response.status_code = error.status
    response.headers.extend(error.headers)
    return response


def respond_with(
    code: str, message: str | None = None, headers: Mapping[str, str] | None = None, **values: Any
) -> ErrorResponse:
    """The response with that code.

    The values fill its message, unless one is given, and are its details if `errors.yaml` gives them a schema.
    """
    known = ERROR_CODES[code]
    headers = {**known.headers, **(headers or {})}
    if known.retry_s is not None:
        # Up to half as much again, so that clients rejected together don't return together.
        headers["Retry-After"] = str(int(random.uniform(known.retry_s, known.retry_s * 1.5)))  # noqa: S311
    return ErrorResponse(
        known.status, message or known.message.format_map(values), code, values if known.details else None, headers
    )


#: The codes of exceptions that have one each.
CODES: Mapping[type[Exception], str] = {
    Unauthorized: "unauthorized",
    KeysUnavailable: "unavailable",
    domain.Forbidden: "forbidden",
    domain.CourseNotFound: "course_not_found",
    domain.NoContent: "no_content",
    domain.NothingActive: "nothing_active",
    domain.UserFull: "user_limit",
    domain.SystemFull: "system_limit",
    domain.AdmissionsPaused: "paused",
    domain.KeyInFlight: "idempotency_in_flight",
    domain.KeyReused: "idempotency_key_reused",
    domain.AdmissionFailed: "admission_failed",
    domain.OutcomeUnknown: "outcome_unknown",
    domain.WatchFull: "too_many_streams",
    domain.UserWatchFull: "too_many_user_streams",
    domain.WatchEnded: "too_many_streams",
}


def error_response(error: Exception) -> ErrorResponse:
    """The response to an exception; an unexpected one is a 500 that says nothing about its cause."""
    match error:
        case Invalid():
            return error.response
        case domain.SlotsFull():
            counts: dict[str, Any] = {"user_limit": error.user_limit, "current_user_jobs": error.user_active}
            if isinstance(error, domain.SystemFull):
                counts |= {"global_limit": error.system_limit, "global_active_jobs": error.system_active}
            return respond_with(CODES[type(error)], headers=rate_limit(error), tier=error.tier.value, **counts)
        case domain.RateLimited():
            return respond_with("rate_limited", headers={"Retry-After": str(error.retry_s)}, limit=error.per_minute)
        case domain.GenerationActive():
            known: dict[str, Any] = {"jobId": str(error.generation_id)} if error.generation_id else {}
            known |= {"source": error.source} if error.source else {}
            return respond_with("generation_active", **known)
        case HTTPException():
            methods = getattr(error, "valid_methods", None)
            headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
            return ErrorResponse(error.code or 500, error.name, error.name.lower().replace(" ", "_"), headers=headers)
    return respond_with(CODES.get(type(error)) or ("unavailable" if is_unavailable(error) else "internal_error"))
