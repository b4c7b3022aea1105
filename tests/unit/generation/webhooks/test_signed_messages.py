"""Webhook messages: the same bytes for every attempt, and signatures that the standard's library accepts."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.generation.webhooks.outbox import Delivery
from app.generation.webhooks.signed_messages import message_id, read_key, sign, write_body

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"

DELIVERY = Delivery(
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


def test_an_id_names_generation_and_place_and_has_no_dot() -> None:
    assert message_id(DELIVERY) == "01a20943-b2d3-7750-b82f-3fb227f58175-3"


def test_the_library_of_standard_webhooks_accepts_the_signature_and_only_it() -> None:
    body, now = write_body(DELIVERY), int(time.time())
    headers = dict(sign(SECRET, "id-1", now, body))
    assert Webhook(SECRET).verify(body, headers) == json.loads(WRITTEN)
    for spoilt in ({"webhook-id": "id-2"}, {"webhook-timestamp": str(now + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, {**headers, **spoilt})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, dict(sign(SECRET, "id-1", now - 600, body)))


def test_both_signatures_are_those_of_the_contract() -> None:
    headers = sign(SECRET, "msg", 1700000000, b"{}")
    assert headers == {
        "webhook-id": "msg",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1," + base64.b64encode(hmac.digest(KEY, b"msg.1700000000.{}", "sha256")).decode(),
        "x-webhook-signature": hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest(),
    }


def test_the_vector_of_the_specification_is_met() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_key_has_24_to_64_bytes(length: int) -> None:
    assert read_key(f"whsec_{base64.b64encode(bytes(length)).decode()}") == bytes(length)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        base64.b64encode(KEY).decode(),
        f"whsec_{base64.b64encode(bytes(23)).decode()}",
        f"whsec_{base64.b64encode(bytes(65)).decode()}",
        f"whsec_{base64.b64encode(KEY).decode()[:-1]}",
        f"whsec_{base64.b64encode(KEY).decode()} ",
        f"whsec_{'-_' * 20}==",
        "whsec_секрет",
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError):
        read_key(secret)
