"""Webhook messages: the same bytes for every attempt, and signatures that the standard's library accepts."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from standardwebhooks import Webhook, WebhookVerificationError

from app.generation.webhooks.outbox import Delivery
from app.generation.webhooks.signed_messages import sign, write_body
from app.generation.webhooks.signing_keys import read_public_key

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"

DELIVERY = Delivery(
    message_id="4f3b0a52-6a40-4f3f-9d5e-0d7b4c1f2a10",
    generation_id=UUID("01a20943-b2d3-7750-b82f-3fb227f58175"),
    seq=3,
    course_id=UUID("5f0c6f5e-8a49-4ac8-b6f2-0a6f3f9a1d11"),
    url="https://example.org/",
    status="generating_structure",
    step=3,
    percentage=50,
    message='Создаём «структуру»\n"курса" \\ 🎓',
    error=None,
    failures=0,
    left_s=60,
    held_until=datetime.now(UTC),
)
WRITTEN = (
    '{"courseId":"5f0c6f5e-8a49-4ac8-b6f2-0a6f3f9a1d11","status":"generating_structure","progress":{"step":3,'
    '"message":"Создаём «структуру»\\n\\"курса\\" \\\\ 🎓","percentage":50},'
    '"data":{"jobId":"01a20943-b2d3-7750-b82f-3fb227f58175"}}'
)


def test_a_body_is_what_the_contract_says_as_javascript_would_write_it() -> None:
    assert write_body(DELIVERY).decode() == WRITTEN


def test_an_error_stands_in_the_body_where_there_is_one() -> None:
    body = json.loads(write_body(replace(DELIVERY, status="failed", error="Нет текста")))
    assert body == {**json.loads(WRITTEN), "status": "failed", "error": "Нет текста"}


def test_the_library_of_standard_webhooks_accepts_the_signature_and_only_it() -> None:
    body, now = write_body(DELIVERY), int(time.time())
    headers = dict(sign([SECRET], None, "id-1", now, body))
    assert Webhook(SECRET).verify(body, headers) == json.loads(WRITTEN)
    for spoilt in ({"webhook-id": "id-2"}, {"webhook-timestamp": str(now + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, {**headers, **spoilt})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, dict(sign([SECRET], None, "id-1", now - 600, body)))


def test_both_signatures_are_those_of_the_contract() -> None:
    headers = sign([SECRET], None, "msg", 1700000000, b"{}")
    assert headers == {
        "webhook-id": "msg",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1," + base64.b64encode(hmac.digest(KEY, b"msg.1700000000.{}", "sha256")).decode(),
        "x-webhook-signature": hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest(),
    }


def test_the_vector_of_the_specification_is_met() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = sign([secret], None, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs_and_the_older_header_uses_the_newest() -> None:
    older, plain = f"whsec_{base64.b64encode(bytes(range(50, 90))).decode()}", "п plain secret of an older service"
    body, now = write_body(DELIVERY), int(time.time())
    headers = dict(sign([SECRET, older, plain], None, "id-1", now, body))
    assert [given.partition(",")[0] for given in headers["webhook-signature"].split(" ")] == ["v1"] * 3
    for secret in (SECRET, older, f"whsec_{base64.b64encode(plain.encode()).decode()}"):
        assert Webhook(secret).verify(body, headers) == json.loads(WRITTEN)
    assert headers["x-webhook-signature"] == hmac.digest(SECRET.encode(), body, "sha256").hex()


def verify_v1a(public_key: str, headers: Mapping[str, str], body: bytes) -> None:
    """As a receiver does, with another library than the sender's. Raises BadSignatureError."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    [signature] = re.findall(r"(?:^| )v1a,(\S+)", headers["webhook-signature"])
    VerifyKey(base64.b64decode(public_key.removeprefix("whpk_"))).verify(signed, base64.b64decode(signature))


@pytest.mark.parametrize("public", [False, True], ids=["seed", "pair"])
def test_a_key_pair_signs_beside_the_secret_and_its_public_key_verifies(public: bool) -> None:
    pair = SigningKey(KEY)
    text = KEY + bytes(pair.verify_key) if public else KEY
    signing_key = f"whsk_{base64.b64encode(text).decode()}"
    body, now = write_body(DELIVERY), int(time.time())
    headers = dict(sign([SECRET], signing_key, "id-1", now, body))
    public_key = read_public_key(signing_key)
    assert public_key == f"whpk_{base64.b64encode(bytes(pair.verify_key)).decode()}"
    verify_v1a(public_key, headers, body)
    assert Webhook(SECRET).verify(body, headers) == json.loads(WRITTEN)
    for spoilt in ({"webhook-id": "id-2"}, {"webhook-timestamp": str(now + 1)}):
        with pytest.raises(BadSignatureError):
            verify_v1a(public_key, {**headers, **spoilt}, body)
    with pytest.raises(BadSignatureError):
        verify_v1a(public_key, headers, body + b" ")
