"""Webhook messages: the body, and two signatures by which a receiver verifies its origin.

`x-webhook-signature` is the older one and covers the body alone. The other is that of Standard Webhooks: libraries in
most languages verify it, and it also covers the time, which stops replays.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from app.generation.webhooks.outbox import Delivery

PREFIX = "whsec_"
#: Permitted key lengths by Standard Webhooks, in bytes.
KEY_BYTES = range(24, 65)


def read_key(secret: str) -> bytes:
    """The Standard Webhooks key of a secret `whsec_…`. Raises ValueError."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"Does not begin with {PREFIX}.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"What follows {PREFIX} is not base64.") from error
    if len(key) not in KEY_BYTES:
        raise ValueError(f"What follows {PREFIX} is not base64 of {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes.")
    return key


def write_body(delivery: Delivery) -> bytes:
    """The message as JSON, the same bytes for every attempt.

    The format is that of JavaScript's JSON.stringify: some receivers parse the body and sign it as they write it again.
    """
    message: dict[str, Any] = {
        "courseId": str(delivery.course_id),
        "status": delivery.status,
        "progress": {"step": delivery.step, "message": delivery.message, "percentage": delivery.percentage},
        "data": {"jobId": str(delivery.generation_id)},
    }
    if delivery.error is not None:
        message["error"] = delivery.error
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers that sign the body. `timestamp`: when it is sent, in Unix seconds. Raises ValueError."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(read_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "x-webhook-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
