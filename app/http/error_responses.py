"""Every error as the contract wants it: one body, one place that maps causes to statuses.

A body is `{"error", "details"?, "code", "requestId"}`. None carries a traceback, SQL or a secret.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from app.auth.remote_keys import KeysUnavailable
from app.generation import errors as domain
from app.generation.database_errors import is_unavailable
from app.http.middleware.request_context import request_id
from app.http.rate_limit import rate_limit

ROLLED_BACK = "Не удалось инициализировать генерацию курса. Попробуйте позже."

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
class Answer:
    """What a client is told of an error; `retry_after` in seconds."""

    status: int
    error: str
    code: str
    details: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Render = Callable[[Answer], Response]


def register_errors(app: Flask, renders: Mapping[str, Render]) -> None:
    """Whatever a view or the framework raises becomes an answer of the contract.

    `renders` has the shapes of errors under other paths than the contract's own, by the first part of the path.
    """

    def handle(error: Exception) -> Response:
        first_part = "/".join(request.path.split("/", 2)[:2])
        return renders.get(first_part, render_error)(tell(error))

    app.register_error_handler(Exception, handle)


def tell(error: Exception) -> Answer:
    """The answer to an error, and a line in the log where somebody should look into it."""
    answer = answer_to(error)
    if answer.status == 500:
        log.error("request_failed", exc_info=error)
    elif answer.status == 503:
        log.warning("request_refused", extra={"code": answer.code, "error": f"{type(error).__name__}: {error}"})
    # Whoever raised an error that was handed to it holds it still: a circle of all the frames between there and here.
    error.__traceback__ = None
    return answer


def render_error(answer: Answer) -> Response:
    """The contract's own shape of an error."""
    body: dict[str, Any] = {"error": answer.error}
    if answer.details is not None:
        body["details"] = answer.details
    response = jsonify({**body, "code": answer.code, "requestId": request_id.get()})
    response.status_code = answer.status
    response.headers.extend(answer.headers)
    return response


def answer_to(error: Exception) -> Answer:  # noqa: PLR0911, PLR0912 - better read than a table of lambdas
    """The answer to an error, whoever raised it; 500 without a word about the cause for what nobody foresaw."""
    match error:
        case domain.UserFull():
            jobs = f"Too many concurrent jobs. {error.tier.value} tier allows {error.user_limit}"
            return Answer(
                429,
                f"{jobs} concurrent course generation.",
                "user_limit",
                _user_counts(error),
                {**_retry_after(30), **rate_limit(error)},
            )
        case domain.SystemFull():
            counts = {"global_limit": error.system_limit, "global_active_jobs": error.system_active}
            return Answer(
                429,
                "System at capacity. Please try again in a few minutes.",
                "system_limit",
                {**_user_counts(error), **counts},
                {**_retry_after(60), **rate_limit(error)},
            )
        case Invalid():
            return Answer(error.status, error.message, error.code, error.details)
        case Unauthorized():
            return Answer(
                401,
                "Unauthorized: Invalid or missing authentication token",
                "unauthorized",
                headers={"WWW-Authenticate": "Bearer"},
            )
        case domain.Forbidden():
            return Answer(403, "Forbidden: You do not have access to this course", "forbidden")
        case domain.CourseNotFound():
            return Answer(404, "Course not found", "course_not_found")
        case domain.GenerationActive():
            details = {"jobId": str(error.generation_id)} if error.generation_id else {}
            return Answer(409, "Course generation is already in progress", "generation_active", details)
        case domain.KeyInFlight():
            message = "A request with the same Idempotency-Key is still under way"
            return Answer(409, message, "idempotency_in_flight", headers=_retry_after(2))
        case domain.KeyReused():
            message = "The Idempotency-Key was used with another request before"
            return Answer(422, message, "idempotency_key_reused")
        case domain.NothingActive():
            return Answer(409, "No active generation to cancel", "nothing_active")
        case domain.AdmissionFailed():
            return Answer(500, ROLLED_BACK, "admission_failed")
        case domain.WatchFull() | domain.WatchEnded():
            message = "Too many courses are followed live just now. Poll check-status, or try again."
            return Answer(503, message, "too_many_streams", headers=_retry_after(10))
        case domain.OutcomeUnknown():
            message = "The outcome is not known yet. Check the course's status before trying again."
            return Answer(503, message, "outcome_unknown", headers=_retry_after(15))
        case HTTPException():
            return _answer_to_http(error)
    if is_unavailable(error) or isinstance(error, KeysUnavailable):
        message = "The service is temporarily unavailable. Please try again."
        return Answer(503, message, "unavailable", headers=_retry_after(5))
    return Answer(500, "Internal server error", "internal_error")


def _answer_to_http(error: HTTPException) -> Answer:
    status = error.code or 500
    code = (error.name or "error").lower().replace(" ", "_")
    headers = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else {}  # type: ignore[attr-defined]
    return Answer(status, error.name or "Error", code, headers=headers)


def _user_counts(error: domain.SlotsFull) -> dict[str, Any]:
    return {"tier": error.tier.value, "user_limit": error.user_limit, "current_user_jobs": error.user_active}


def _retry_after(seconds: int) -> dict[str, str]:
    """Spread over half as much again, so that those refused together don't come back together."""
    return {"Retry-After": str(int(random.uniform(seconds, seconds * 1.5)))}  # noqa: S311
