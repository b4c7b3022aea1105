"""The shapes of request bodies."""

import re
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validate

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_URL_CHARACTERS = re.compile(r"[!-~]+", re.ASCII)
MAX_URL = 2048


class CanonicalUUID(fields.UUID):
    """A UUID in its 8-4-4-4-12 form only; the library also takes braces, URNs and bare hex."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return super()._deserialize(value, *args, **kwargs)


def check_http_url(value: str) -> None:
    """Raises ValidationError unless the text is an absolute http(s) URL with a host, in printable ASCII."""
    try:
        url = urlsplit(value)
        valid = bool(_URL_CHARACTERS.fullmatch(value) and url.scheme in ("http", "https") and url.hostname)
        _ = url.port
    except ValueError:
        valid = False
    if not valid:
        raise ValidationError("Not a valid http(s) URL.")


class GenerateSchema(Schema):
    """`POST /api/coursegen/generate`. `userId` comes from older clients; who asks is in the token."""

    class Meta:
        unknown = RAISE

    course_id = CanonicalUUID(data_key="courseId", required=True, metadata={"expected": "a UUID"})
    webhook_url = fields.String(
        data_key="webhookUrl",
        load_default=None,
        allow_none=True,
        validate=[validate.Length(max=MAX_URL), check_http_url],
        metadata={"expected": "an absolute http or https URL, or null"},
    )
    user_id = fields.Raw(data_key="userId", load_default=None, allow_none=True)
