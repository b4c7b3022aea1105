"""The shapes of what is answered. They only describe: no answer is made by them, and the tests hold every one to them.

They leave room for more fields, as a later release may answer.
"""

from marshmallow import EXCLUDE, Schema, fields, validate

from app.generation.progress.steps import FINAL_STATUSES, STEPS, StepStatus
from app.generation.tiers import Tier

#: What a course's status may be where this service wrote it.
COURSE_STATUSES = ["initializing", *(step.course_status for step in STEPS.values()), *sorted(FINAL_STATUSES)]

_TRUE = validate.Equal(True)
_COUNT = validate.Range(min=0)


class AnswerSchema(Schema):
    """The base of all."""

    class Meta:
        unknown = EXCLUDE


class AdmittedSchema(AnswerSchema):
    """A generation was admitted."""

    success = fields.Boolean(required=True, validate=_TRUE)
    job_id = fields.UUID(data_key="jobId", required=True, metadata={"description": "The generation's id."})
    message = fields.String(required=True, metadata={"description": "For people."})


class InitiatedSchema(AdmittedSchema):
    """As tRPC has it."""

    course_id = fields.UUID(data_key="courseId", required=True)


class CancelledSchema(AnswerSchema):
    """A generation was cancelled."""

    success = fields.Boolean(required=True, validate=_TRUE)
    job_id = fields.UUID(data_key="jobId", required=True, metadata={"description": "The generation's id."})
    status = fields.String(required=True, validate=validate.Equal("cancelled"))


class StepSchema(AnswerSchema):
    """One of the five steps."""

    id = fields.Integer(required=True, validate=validate.Range(1, 5))
    name = fields.String(required=True, metadata={"description": "For people."})
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in StepStatus]))
    started_at = fields.DateTime(required=True, allow_none=True)
    completed_at = fields.DateTime(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True, metadata={"description": "Why it failed, for people."})
    error_details = fields.Raw(required=True, allow_none=True)


class FileSchema(AnswerSchema):
    """A document of the course, as the platform stored it."""

    id = fields.String()
    name = fields.String()
    path = fields.String()
    mime_type = fields.String()
    size = fields.Integer(metadata={"description": "In bytes."})


class GenerationProgressSchema(AnswerSchema):
    """What the progress is from the first generation on."""

    steps = fields.List(fields.Nested(StepSchema), required=True, validate=validate.Length(equal=5))
    percentage = fields.Integer(required=True, validate=validate.Range(0, 100))
    current_step = fields.Integer(required=True, validate=validate.Range(1, 5))
    message = fields.String(required=True, metadata={"description": "For people."})
    total_steps = fields.Integer(required=True, validate=validate.Equal(5))
    has_documents = fields.Boolean(required=True)
    lessons_completed = fields.Integer(required=True, validate=_COUNT)
    lessons_total = fields.Integer(required=True, validate=_COUNT)
    files = fields.List(fields.Nested(FileSchema), required=True)
    metadata = fields.Dict(required=True)


class CourseStatusSchema(AnswerSchema):
    """How a course stands."""

    course_id = fields.UUID(data_key="courseId", required=True)
    slug = fields.String(required=True)
    status = fields.String(
        data_key="currentStatus",
        required=True,
        allow_none=True,
        metadata={
            "description": "The course's status, null before its first generation. A generation makes it one of "
            f"{', '.join(f'`{status}`' for status in COURSE_STATUSES)}. What the platform wrote is passed on."
        },
    )
    generation_status = fields.String(
        data_key="currentGenerationStatus",
        required=True,
        allow_none=True,
        metadata={
            "description": "Differs from `currentStatus` only where the platform has a column of its own for it."
        },
    )
    progress = fields.Raw(
        data_key="generationProgress",
        required=True,
        allow_none=True,
        metadata={
            "description": "What the course's column holds, whoever wrote it.",
            "anyOf": [
                {"$ref": "#/components/schemas/GenerationProgress"},
                {"description": "Before the first generation the column is the platform's: null, or anything else."},
            ],
        },
    )
    created_at = fields.DateTime(data_key="createdAt", required=True, allow_none=True)
    updated_at = fields.DateTime(data_key="updatedAt", required=True, allow_none=True)
    minutes = fields.Integer(data_key="minutesSinceCreation", required=True, allow_none=True)
    stuck = fields.Boolean(
        data_key="isStuck",
        required=True,
        metadata={"description": "Whether it is active and has made no progress for 15 minutes."},
    )
    reason = fields.String(
        data_key="recoveryReason", required=True, metadata={"description": "Why it counts as stuck; else empty."}
    )
    suggested = fields.String(
        data_key="suggestedStatus",
        required=True,
        allow_none=True,
        metadata={"description": "What to think of a stuck one: `failed`. Else the current status."},
    )
    queue_position = fields.Integer(
        data_key="queuePosition",
        required=True,
        allow_none=True,
        validate=_COUNT,
        metadata={"description": "Of a queued generation, how many jobs come before its own, counted up to 100."},
    )
    worker_alive = fields.Boolean(
        data_key="workerAlive",
        required=True,
        allow_none=True,
        metadata={"description": "Of an active generation, whether any worker is alive to take it on."},
    )


class LivenessSchema(AnswerSchema):
    """The process answers."""

    status = fields.String(required=True, validate=validate.Equal("ok"))


class ChecksSchema(AnswerSchema):
    """What the service stands on; `ok`, or what is the matter."""

    database = fields.String(required=True)
    migrations = fields.String(required=True)
    redis = fields.String(required=True)


class ReadinessSchema(AnswerSchema):
    """Whether requests can be served."""

    status = fields.String(required=True, validate=validate.OneOf(["ready", "degraded", "unready"]))
    checks = fields.Nested(ChecksSchema, required=True)


class FieldDetailsSchema(AnswerSchema):
    """Which part of the request is wrong."""

    field = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "What was sent; long values are cut."})
    expected = fields.String(required=True)


class JobDetailsSchema(AnswerSchema):
    """What is in the way."""

    job_id = fields.UUID(
        data_key="jobId", metadata={"description": "The active generation; missing where it has just ended."}
    )


class UserLimitDetailsSchema(AnswerSchema):
    """How many of the user's generations are active, and may be."""

    tier = fields.String(required=True, validate=validate.OneOf([tier.value for tier in Tier]))
    user_limit = fields.Integer(required=True, validate=_COUNT)
    current_user_jobs = fields.Integer(required=True, validate=_COUNT)


class SystemLimitDetailsSchema(UserLimitDetailsSchema):
    """How many of everybody's are, too."""

    global_limit = fields.Integer(required=True, validate=_COUNT)
    global_active_jobs = fields.Integer(required=True, validate=_COUNT)
