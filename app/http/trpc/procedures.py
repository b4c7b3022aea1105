"""`/trpc/<procedures>`: the REST routes as procedures of tRPC 11, single, batched or as a streamed batch.

The calls of a batch run one by one, each in a transaction of its own, within the one deadline of the request.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, request
from marshmallow import EXCLUDE

from app.generation.callers import Caller
from app.http.authentication import authenticate
from app.http.bodies import as_object, excerpt, load
from app.http.error_responses import ErrorResponse, Invalid, handle_error, respond_with
from app.http.routes.course_status import cancel, status_json
from app.http.routes.generate import initiate
from app.http.schemas import CourseSchema, GenerateSchema
from app.http.trpc.wire import CallResult, failed, is_batch, read_inputs, respond, respond_whole, succeeded
from app.services.current import current_services

ROOT = "/trpc"
#: The most calls in a batch: more than a page has courses.
MAX_CALLS = 50

blueprint = Blueprint("trpc", __name__)
COURSE_INPUT = CourseSchema(unknown=EXCLUDE)
GENERATION_INPUT = GenerateSchema(unknown=EXCLUDE)


@dataclass(frozen=True, slots=True)
class Procedure:
    """The HTTP methods that call it, and the function of caller, course and input that returns its result as JSON."""

    methods: tuple[str, ...]
    run: Callable[[Caller, UUID, Mapping[str, Any]], str]


def _initiate(caller: Caller, course_id: UUID, given: Mapping[str, Any]) -> str:
    body = initiate(caller, given, GENERATION_INPUT, "trpc")
    return current_app.json.dumps({**body, "courseId": str(course_id)})


def _cancel(caller: Caller, course_id: UUID, _: Mapping[str, Any]) -> str:
    return current_app.json.dumps(cancel(caller, course_id))


def _status(caller: Caller, course_id: UUID, _: Mapping[str, Any]) -> str:
    return status_json(current_services().polls.read(caller, course_id))


PROCEDURES = {
    "generation.initiate": Procedure(("POST",), _initiate),
    "generation.cancel": Procedure(("POST",), _cancel),
    "generation.status": Procedure(("GET", "HEAD"), _status),
}


@blueprint.route(f"{ROOT}/<path:_>", methods=["GET", "POST"], provide_automatic_options=False)
def call(_: str) -> Response:
    """Runs each call of the request and responds to all, in their order."""
    paths = _paths()
    if len(paths) > MAX_CALLS:
        raise Invalid("batch_too_large")
    if all(_rejection(path) for path in paths):
        abort(404)  # `render_error` gives each call its own error
    caller, inputs = authenticate(), read_inputs(len(paths))
    return respond([_run(path, caller, given) for path, given in zip(paths, inputs, strict=True)])


@blueprint.route(f"{ROOT}/<path:_>", methods=["OPTIONS"])
def options(_: str) -> Response:
    """The methods that call all known procedures of the path."""
    known = [set(PROCEDURES[path].methods) for path in _paths() if path in PROCEDURES]
    return Response(headers={"Allow": _allow(set.intersection(*known) if known else {"GET", "HEAD", "POST"})})


def render_error(error: ErrorResponse) -> Response:
    """The response to a request under `ROOT` that fails as a whole: each of its calls fails."""
    paths = _paths()
    if len(paths) > MAX_CALLS:
        return respond_whole(failed(paths[0], error))
    return respond([failed(path, _rejection(path) or error) for path in paths])


def _paths() -> list[str]:
    """The names of the procedures in the request's path."""
    names = request.path[len(ROOT) + 1 :]
    return names.split(",") if is_batch() else [names]


def _rejection(path: str) -> ErrorResponse | None:
    """The error if there is no such procedure, or not by the request's method."""
    procedure = PROCEDURES.get(path)
    if procedure is None:
        return respond_with("procedure_not_found", path=excerpt(path))
    if request.method not in procedure.methods:
        message, headers = f"Not to be called by {request.method}", {"Allow": _allow(procedure.methods)}
        return respond_with("method_not_allowed", message, headers)
    return None


def _allow(methods: Iterable[str]) -> str:
    return ", ".join(sorted({*methods, "OPTIONS"}))


def _run(path: str, caller: Caller, given: object) -> CallResult:
    if rejection := _rejection(path):
        return failed(path, rejection)
    try:
        fields = as_object(given)
        return succeeded(PROCEDURES[path].run(caller, load(COURSE_INPUT, fields)["course_id"], fields))
    except Exception as error:  # noqa: BLE001 - the other calls of the batch go on
        return failed(path, handle_error(error))
