"""Webhook messages: the body, and the signatures by which a receiver verifies its origin.

`x-webhook-signature` is the older one and covers the body alone. `webhook-signature` is that of Standard Webhooks:
libraries in most languages verify it, and it also covers the time, which stops replays. Its `v1` needs the shared
secret; its `v1a` only the public key, so that no receiver has a key that can forge.
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.generation.webhooks.outbox import Delivery
from app.generation.webhooks.signing_keys import read_secret, read_signing_key


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
    if delivery.documents is not None:
        message["data"]["documents"] = delivery.documents
    if delivery.error is not None:
        message["error"] = delivery.error
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def sign(
    secrets: Sequence[str], signing_key: str | None, message_id: str, timestamp: int, body: bytes
) -> Mapping[str, str]:
    """The headers that sign the body. Raises ValueError.

    `secrets`: the newest first; each signs. `timestamp`: when it is sent, in Unix seconds. `message_id` has no dots.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signatures = [("v1", hmac.digest(read_secret(secret), signed, "sha256")) for secret in secrets]
    if signing_key is not None:
        signatures.append(("v1a", read_signing_key(signing_key).sign(signed)))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"{name},{base64.b64encode(value).decode()}" for name, value in signatures),
        "x-webhook-signature": hmac.digest(secrets[0].encode(), body, "sha256").hex(),
    }
