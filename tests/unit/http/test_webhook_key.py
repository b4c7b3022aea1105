"""`/.well-known/webhook-key`: the public key that receivers verify webhooks with."""

import base64

import pytest
from nacl.signing import SigningKey, VerifyKey

from app.generation.webhooks.signed_messages import sign
from tests.answers import assert_error
from tests.unit.http.conftest import MakeClient

PRIVATE = f"whsk_{base64.b64encode(bytes(range(32))).decode()}"
PUBLIC = f"whpk_{base64.b64encode(bytes(SigningKey(bytes(range(32))).verify_key)).decode()}"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def test_the_published_key_verifies_what_is_signed(make_client: MakeClient) -> None:
    client = make_client(webhook_signing_key=PRIVATE)
    response = client.get("/.well-known/webhook-key")
    assert (response.status_code, response.get_json()) == (200, {"publicKey": PUBLIC})
    assert response.headers["Cache-Control"] == "public, max-age=300"
    headers = sign([SECRET], PRIVATE, "id-1", 1700000000, b"{}")
    signature = headers["webhook-signature"].rpartition("v1a,")[2]
    key = VerifyKey(base64.b64decode(response.get_json()["publicKey"].removeprefix("whpk_")))
    key.verify(b"id-1.1700000000.{}", base64.b64decode(signature))


@pytest.mark.parametrize(("signing_key", "public_key"), [(PRIVATE, PUBLIC), (None, None)])
def test_the_description_has_the_key(make_client: MakeClient, signing_key: str | None, public_key: str | None) -> None:
    document = make_client(webhook_signing_key=signing_key).get("/openapi.json").get_json()
    assert document["webhooks"]["generation"]["post"].get("x-webhook-key") == public_key


def test_without_a_key_there_is_none(make_client: MakeClient) -> None:
    assert_error(make_client().get("/.well-known/webhook-key"), 404, "Not Found", "not_found")
