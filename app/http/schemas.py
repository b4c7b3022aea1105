"""The schemas of request bodies."""

import re
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from app.generation.results.publishing import MODES
from app.generation.webhooks.urls import MAX_URL, BadWebhookUrl, parse_webhook_url
from app.services.current import current_services

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
#: The course's id in the examples of the API's description.
EXAMPLE_ID = "5f0c6f5e-8a49-4ac8-b6f2-0a6f3f9a1d11"
#: What an error says was expected as `webhookUrl`.
WEBHOOK_EXPECTED = "an http or https URL of a public host, on port 80 or 443, without credentials or fragment; or null"


class CanonicalUUID(fields.UUID):
    """A UUID in its 8-4-4-4-12 form only; marshmallow also accepts braces, URNs and bare hex."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return super()._deserialize(value, *args, **kwargs)


def check_webhook_url(value: str) -> None:
    """Raises ValidationError unless webhooks may be sent to the URL. Resolves no host name."""
    try:
        parse_webhook_url(value, current_services().settings.webhook_allowed_hosts)
    except BadWebhookUrl as error:
        raise ValidationError(str(error)) from error


class CourseSchema(Schema):
    """A course by its id."""

    class Meta:
        unknown = RAISE

    course_id = CanonicalUUID(
        data_key="courseId",
        required=True,
        metadata={
            "expected": "a UUID",
            "description": "The course's id.",
            "pattern": f"^{_UUID.pattern}$",
            "examples": [EXAMPLE_ID],
        },
    )


class GenerateSchema(CourseSchema):
    """`POST /api/coursegen/generate`. Older clients send `userId`; the token names the user."""

    webhook_url = fields.String(
        data_key="webhookUrl",
        load_default=None,
        allow_none=True,
        validate=[validate.Length(max=MAX_URL), check_webhook_url],
        metadata={
            "expected": WEBHOOK_EXPECTED,
            "description": f"Where each step is reported: {WEBHOOK_EXPECTED}.",
            "format": "uri",
        },
    )
    user_id = fields.Raw(
        data_key="userId",
        load_default=None,
        allow_none=True,
        metadata={"description": "Ignored: the token names the user. Older clients send it.", "deprecated": True},
    )


class PublishSchema(Schema):
    """`POST /api/courses/<slug>/publish`."""

    class Meta:
        unknown = RAISE

    mode = fields.String(
        load_default="fill",
        validate=validate.OneOf(MODES),
        metadata={"expected": "fill, replace or draft", "description": "What happens to what the pages show already."},
    )
