"""What a webhook's receiver is sent."""

from typing import Any

from marshmallow import fields, validate

from app.http.description import examples
from app.http.description.answers import COURSE_STATUSES, AnswerSchema
from app.http.description.operations import JSON


class WebhookProgressSchema(AnswerSchema):
    """How far it is."""

    step = fields.Integer(required=True, validate=validate.Range(1, 5))
    message = fields.String(required=True, metadata={"description": "For people."})
    percentage = fields.Integer(required=True, validate=validate.Range(0, 100))


class WebhookDataSchema(AnswerSchema):
    """What it is about."""

    job_id = fields.UUID(data_key="jobId", required=True, metadata={"description": "The generation's id."})


class WebhookMessageSchema(AnswerSchema):
    """A generation's step has changed."""

    course_id = fields.UUID(data_key="courseId", required=True)
    status = fields.String(required=True, validate=validate.OneOf(COURSE_STATUSES))
    progress = fields.Nested(WebhookProgressSchema, required=True)
    data = fields.Nested(WebhookDataSchema, required=True)
    error = fields.String(metadata={"description": "Why it failed, for people."})


def _header(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


_MESSAGE = {
    "courseId": examples.COURSE_ID,
    "status": examples.STATUS["currentStatus"],
    "progress": {
        key: examples.PROGRESS[name]
        for key, name in {"step": "current_step", "message": "message", "percentage": "percentage"}.items()
    },
    "data": {"jobId": examples.JOB_ID},
}

#: The document's `webhooks`; `WebhookMessageSchema` is among its schemas.
WEBHOOKS: dict[str, Any] = {
    "generation": {
        "post": {
            "tags": ["Webhooks"],
            "operationId": "webhook",
            "summary": "A generation has gone on",
            "description": (
                "Sent to the `webhookUrl` of the request at each change of a step, in order, once the change is "
                "durable; the last has a final `status`. A message may come twice: `webhook-id` stays the same. Check "
                "a signature before believing one."
            ),
            "security": [],
            "parameters": [
                _header("webhook-id", "The same however often the message is sent.", f"{examples.JOB_ID}-4"),
                _header("webhook-timestamp", "When it was sent, in seconds since 1970.", "1795451832"),
                _header(
                    "webhook-signature",
                    "Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed by the "
                    "decoded rest of the secret after `whsec_`.",
                    "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
                ),
                _header(
                    "x-webhook-signature",
                    "The older signature: hex of HMAC-SHA256 over the body, keyed by the whole secret.",
                    "9b74c9897bac770ffc029102a200c5de11b5d3c2d6f6e6d3a4b0c5e2f1a7d8e9",
                ),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {
                        "schema": {"$ref": "#/components/schemas/WebhookMessage"},
                        "examples": {"progress": {"value": _MESSAGE}},
                    }
                },
            },
            "responses": {
                "2XX": {"description": "It was received. The answer's body is not read."},
                "410": {"description": "Nobody wants any: nothing more of this generation is sent."},
                "default": {
                    "description": "It is sent again, later and later, for a day; `Retry-After` is honoured. Redirects "
                    "are not followed."
                },
            },
        }
    }
}
