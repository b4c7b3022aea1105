"""The routes by which a generation is started, followed and cancelled."""

from app.http.description import answers, examples
from app.http.description.operations import JSON, Body, Operation, Reply
from app.http.schemas import GenerateSchema

GENERATIONS = "Generations"
PROGRESS = "Progress"

#: What may be wrong with whoever asks for a course, or with the course.
COURSE_PROBLEMS = ("unauthorized", "forbidden", "course_not_found", "unavailable")
BODY_PROBLEMS = (
    "invalid_json",
    "missing_field",
    "invalid_field",
    "request_entity_too_large",
    "unsupported_media_type",
)
ADMISSION_PROBLEMS = (
    *COURSE_PROBLEMS,
    *BODY_PROBLEMS,
    "invalid_idempotency_key",
    "generation_active",
    "idempotency_in_flight",
    "idempotency_key_reused",
    "user_limit",
    "system_limit",
    "admission_failed",
    "outcome_unknown",
)
CANCEL_PROBLEMS = (*COURSE_PROBLEMS, "nothing_active")
RATE_LIMIT = ("RateLimit-Policy", "RateLimit")

STATUS_EXAMPLES = {"running": examples.STATUS, "never_generated": examples.NEVER_GENERATED}

#: One event of the stream, as OpenAPI 3.2 will have it and tools already read it.
EVENT = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "What identifies the state."},
        "event": {"type": "string", "enum": ["progress", "final"]},
        "data": {
            "type": "string",
            "description": "A `CourseStatus`, as JSON.",
            "contentMediaType": JSON,
            "contentSchema": {"$ref": "#/components/schemas/CourseStatus"},
        },
        "retry": {"type": "integer", "description": "After how many milliseconds to come back; said once, at first."},
    },
}

OPERATIONS = [
    Operation(
        method="post",
        path="/api/coursegen/generate",
        id="generate",
        tag=GENERATIONS,
        summary="Start a generation",
        description=(
            "Starts the generation of one of the caller's courses. On 200 it is queued and the course started, both "
            "durable; `jobId` is its id. A course has one active generation at a time, a user as many as the tier "
            "allows. Send an `Idempotency-Key` to be able to repeat the request after a lost answer."
        ),
        parameters=("idempotencyKey",),
        body=Body(
            "GenerateRequest",
            GenerateSchema(),
            {"course": examples.ORDER, "with_webhook": examples.ORDER_WITH_WEBHOOK},
        ),
        replies=(
            Reply(
                200,
                "The generation was admitted.",
                answers.AdmittedSchema,
                {"admitted": examples.ADMITTED},
                maybe=(*RATE_LIMIT, "Idempotent-Replayed"),
            ),
        ),
        problems=(*ADMISSION_PROBLEMS, "unknown_field"),
    ),
    Operation(
        method="post",
        path="/api/courses/{slug}/cancel",
        id="cancel",
        tag=GENERATIONS,
        summary="Cancel a generation",
        description=(
            "Cancels the course's active generation, queued or running: it is final and its slot free before the "
            "answer. A running stage is stopped within seconds and writes nothing more. For the course's owner or an "
            "admin. No body is read."
        ),
        parameters=("slug",),
        replies=(
            Reply(200, "The generation was cancelled.", answers.CancelledSchema, {"cancelled": examples.CANCELLED}),
        ),
        problems=CANCEL_PROBLEMS,
    ),
    Operation(
        method="get",
        path="/api/courses/{slug}/check-status",
        id="checkStatus",
        tag=PROGRESS,
        summary="Ask how a course stands",
        description=(
            "For the course's owner or an admin. Poll it every second or slower, with `If-None-Match`: what has not "
            "changed is answered 304. The `ETag` leaves `minutesSinceCreation` out. A `currentStatus` of `completed`, "
            "`failed` or `cancelled` is final."
        ),
        parameters=("slug", "ifNoneMatch"),
        replies=(
            Reply(
                200,
                "How the course stands.",
                answers.CourseStatusSchema,
                STATUS_EXAMPLES,
                headers=("ETag", "Cache-Control"),
            ),
            Reply(304, "Nothing has changed since the `ETag` sent.", headers=("ETag", "Cache-Control")),
        ),
        problems=COURSE_PROBLEMS,
    ),
    Operation(
        method="get",
        path="/api/courses/{slug}/events",
        id="followEvents",
        tag=PROGRESS,
        summary="Follow a course live",
        description=(
            "Server-sent events: the course's state at once, then each change within a second, until its generation is "
            "final. An event is `progress`, or `final` for the last; its `data` is a body of check-status, its `id` "
            "what a client that was cut off sends as `Last-Event-ID`. A comment comes every 15 s. For the course's "
            "owner or an admin; the stream ends when the token expires or the course is given away."
        ),
        parameters=("slug", "lastEventId"),
        replies=(
            Reply(
                200,
                "The stream.",
                EVENT,
                {"progress": examples.EVENT},
                mimetypes=("text/event-stream",),
            ),
            Reply(204, "The client has seen the final state: there is nothing to come back for."),
        ),
        problems=(*COURSE_PROBLEMS, "too_many_streams"),
    ),
]
