"""Every error code: an example of its response, made by the code that returns it, and its cause and fix."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from psycopg_pool import PoolTimeout
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app.generation import errors as domain
from app.generation.tiers import Tier
from app.http.bodies import load, parse
from app.http.description.openapi_files import read_yaml
from app.http.error_responses import ErrorResponse, Invalid, Unauthorized, error_response
from app.http.idempotency_header import parse_key
from app.http.schemas import EXAMPLE_ID, GenerateSchema
from app.http.trpc.procedures import MAX_CALLS


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """`response`: an example. `details`: the name of the schema of its details."""

    response: ErrorResponse
    cause: str
    fix: str
    details: str | None = None


def _errors() -> Iterator[Exception]:
    """An example of each error, made here and not kept: the tests look for exceptions that a request left."""
    yield from [
        BadRequest(),
        NotFound(),
        MethodNotAllowed(valid_methods=["POST", "OPTIONS"]),
        RequestEntityTooLarge(),
        Invalid("Content-Type must be application/json", "unsupported_media_type", status=415),
        Invalid(f"At most {MAX_CALLS} calls in a batch", "batch_too_large"),
        Invalid('No procedure found on path "generation.start"', "procedure_not_found", status=404),
        Unauthorized(),
        domain.Forbidden(),
        domain.CourseNotFound(),
        domain.GenerationActive(UUID("01a20943-b2d3-7750-b82f-3fb227f58175")),
        domain.KeyInFlight(),
        domain.KeyReused(),
        domain.NothingActive(),
        domain.UserFull(Tier.FREE, user_limit=1, user_active=1, system_limit=3, system_active=1),
        domain.SystemFull(Tier.PREMIUM, user_limit=5, user_active=1, system_limit=3, system_active=3),
        domain.AdmissionFailed(exhausted=False),
        domain.OutcomeUnknown(),
        domain.WatchFull(),
        PoolTimeout(),
        Exception(),
    ]
    body = GenerateSchema()
    rejected: list[Callable[[], object]] = [
        lambda: parse(b'{"courseId": '),
        lambda: load(body, {}),
        lambda: load(body, {"courseId": "42"}),
        lambda: load(body, {"courseId": EXAMPLE_ID, "title": "Основы геологии"}),
        lambda: parse_key(""),
    ]
    for call in rejected:
        try:
            call()
        except Invalid as error:
            yield error


def _error_codes() -> dict[str, ErrorCode]:
    responses = {response.code: response for response in map(error_response, _errors())}
    return {code: ErrorCode(responses[code], **texts) for code, texts in read_yaml("errors").items()}


#: By code, in the order of their statuses.
ERROR_CODES: Mapping[str, ErrorCode] = _error_codes()


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes by status, both in the order of `ERROR_CODES`."""
    wanted = set(codes)
    known = [code for code in ERROR_CODES if code in wanted]
    return {status: list(group) for status, group in groupby(known, lambda code: ERROR_CODES[code].response.status)}
