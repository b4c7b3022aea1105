"""Every error the service tells: its cause and its cure, beside the answer itself, asked of the code that gives it.

Where an answer can be had by raising what is answered, it is, so that no message need stand here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from marshmallow import Schema
from psycopg_pool import PoolTimeout
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app.generation import errors as domain
from app.generation.tiers import Tier
from app.http.bodies import load, parse
from app.http.description import answers, examples
from app.http.error_responses import ErrorResponse, Invalid, Unauthorized, error_response
from app.http.idempotency_header import parse_key
from app.http.schemas import GenerateSchema
from app.http.trpc.procedures import MAX_CALLS


@dataclass(frozen=True, slots=True)
class Problem:
    """One `code`: an example of the answer, why a client gets it, and what to do. `details`: the schema of its own."""

    answer: ErrorResponse
    cause: str
    cure: str
    details: type[Schema] | None = None


def _refused(call: Callable[[], object]) -> ErrorResponse:
    """The answer to a request that makes that call, which is known to fail."""
    try:
        call()
    except Invalid as error:
        return error_response(error)
    raise AssertionError("An example of a bad request is a good one")


def _of_field(call: Callable[[], object], cause: str, cure: str) -> Problem:
    return Problem(_refused(call), cause, cure, answers.FieldDetailsSchema)


_body = GenerateSchema()

_ALL = [
    Problem(
        error_response(BadRequest()),
        "The request is no HTTP that can be answered, such as one with an impossible `Host`.",
        "Mend the client, or the proxy before it.",
    ),
    Problem(
        _refused(lambda: parse(b'{"courseId": ')),
        "The body, or tRPC's `input`, is no JSON object in UTF-8, or a name stands in it twice.",
        "Mend the request.",
    ),
    _of_field(
        lambda: load(_body, {}),
        "A required field is missing; `details.field` names it.",
        "Send the field.",
    ),
    _of_field(
        lambda: load(_body, {"courseId": "42"}),
        "A field has a wrong value; `details` has the field, the value and what was expected.",
        "Send what `details.expected` says.",
    ),
    _of_field(
        lambda: load(_body, {"courseId": examples.COURSE_ID, "title": "Основы геологии"}),
        "The body has a field that does not exist; `details.field` names it.",
        "Leave the field out. tRPC's procedures ignore it instead.",
    ),
    _of_field(
        lambda: parse_key(""),
        "The `Idempotency-Key` is empty, longer than 255 characters, not of printable ASCII, or bare with a comma.",
        'Send 1 to 255 characters, best a UUID, bare or as `"…"`.',
    ),
    Problem(
        error_response(Invalid(f"At most {MAX_CALLS} calls in a batch", "batch_too_large")),
        f"A tRPC batch holds more than {MAX_CALLS} calls.",
        f"Set `maxItems: {MAX_CALLS}` in the client's batch link.",
    ),
    Problem(
        error_response(Unauthorized()),
        "The access token is missing, malformed, expired, forged or of another audience.",
        "Get a fresh token from the sign-in and send it as `Authorization: Bearer <token>`.",
    ),
    Problem(
        error_response(domain.Forbidden()),
        "The course belongs to somebody else. An admin may watch and cancel it, but not start it.",
        "Use the owner's token.",
    ),
    Problem(
        error_response(domain.CourseNotFound()),
        "There is no course of that id or slug.",
        "Check the id or slug; a slug in a path is percent-encoded.",
    ),
    Problem(
        error_response(NotFound()),
        "There is no such route. Paths are taken as they are, without a redirect.",
        "Check the path.",
    ),
    Problem(
        ErrorResponse(404, 'No procedure found on path "generation.start"', "procedure_not_found"),
        "There is no tRPC procedure of that name.",
        "Call `generation.initiate`, `generation.cancel` or `generation.status`.",
    ),
    Problem(
        error_response(MethodNotAllowed(valid_methods=["POST", "OPTIONS"])),
        "The route, or the tRPC procedure, is there, but not for this method.",
        "Use a method of the `Allow` header.",
    ),
    Problem(
        error_response(domain.GenerationActive(UUID(examples.JOB_ID))),
        "The course has an active generation already; `details.jobId` is its id.",
        "Follow that one, or cancel it first.",
        answers.JobDetailsSchema,
    ),
    Problem(
        error_response(domain.KeyInFlight()),
        "A request with the same `Idempotency-Key` is being decided at this moment.",
        "Send the same request again after `Retry-After` seconds.",
    ),
    Problem(
        error_response(domain.NothingActive()),
        "The course has no active generation: none was started, or it is over.",
        "Nothing; ask check-status how it ended.",
    ),
    Problem(
        error_response(RequestEntityTooLarge()),
        "The body is larger than 64 KiB.",
        "Send the fields of the route and nothing else.",
    ),
    Problem(
        error_response(Invalid("Content-Type must be application/json", "unsupported_media_type", status=415)),
        "The body does not say that it is JSON.",
        "Send `Content-Type: application/json`.",
    ),
    Problem(
        error_response(domain.KeyReused()),
        "The `Idempotency-Key` came with a request for another course or webhook within the last 24 hours.",
        "Use a new key for each new wish, and the old one only to repeat a request.",
    ),
    Problem(
        error_response(domain.UserFull(Tier.FREE, user_limit=1, user_active=1, system_limit=3, system_active=1)),
        "As many of the user's generations are active as the tier allows; `details` has the counts.",
        "Try again after `Retry-After` seconds, or when one of them is over.",
        answers.UserLimitDetailsSchema,
    ),
    Problem(
        error_response(domain.SystemFull(Tier.PREMIUM, user_limit=5, user_active=1, system_limit=3, system_active=3)),
        "As many generations are active as the whole system takes; `details` has the counts.",
        "Try again after `Retry-After` seconds.",
        answers.SystemLimitDetailsSchema,
    ),
    Problem(
        error_response(domain.AdmissionFailed(exhausted=False)),
        "The database refused the admission. Everything was rolled back, the slot is free.",
        "Try again later; report the `requestId` if it persists.",
    ),
    Problem(
        error_response(Exception()),
        "A fault of the service, which its log tells under the `requestId`.",
        "Report the `requestId`.",
    ),
    Problem(
        error_response(PoolTimeout()),
        "The service is overloaded, or its database or the sign-in's keys are out of reach. Nothing was changed.",
        "Try again after `Retry-After` seconds.",
    ),
    Problem(
        error_response(domain.OutcomeUnknown()),
        "The database vanished during the commit: the generation was started, or it was not.",
        "After `Retry-After` seconds send the request again, with the same `Idempotency-Key` if it had one. "
        "Without a key, a started one answers 409.",
    ),
    Problem(
        error_response(domain.WatchFull()),
        "As many courses are followed live as the service has room for.",
        "Poll check-status, or try again after `Retry-After` seconds.",
    ),
]

#: By code, in the order of their statuses.
PROBLEMS: Mapping[str, Problem] = {problem.answer.code: problem for problem in _ALL}
