"""A receiver's certificate is checked as a browser checks it. Only loopback is connected to."""

import ssl
from pathlib import Path

import pytest
import trustme

from tasks.webhooks.webhook_client import WebhookClient
from tests.receivers import receiving, say_nothing, speaking
from tests.unit.tasks.webhooks.conftest import allowed, no_response


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebhookClient:
    """Trusts this authority as the machine would, and finds everybody on loopback."""
    bundle = f"{tmp_path}/ca.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    return WebhookClient(lambda host, port: ["127.0.0.1"])


def test_a_certificate_is_checked_against_the_name_and_not_the_address(
    authority: trustme.CA, trusting: WebhookClient
) -> None:
    with receiving(tls=secured(authority, "receiver.example")) as receiver:
        url = allowed(f"https://receiver.example:{receiver.port}/x")
        assert trusting.post(url, {}, b"{}").status == 204
        assert receiver.received[0].headers["host"] == f"receiver.example:{receiver.port}"


@pytest.mark.parametrize("names", [["other.example"], ["127.0.0.1"], ["*.other.example"]])
def test_a_certificate_for_somebody_else_is_refused(
    authority: trustme.CA, trusting: WebhookClient, names: list[str]
) -> None:
    with receiving(tls=secured(authority, *names)) as receiver:
        reason = no_response(allowed(f"https://receiver.example:{receiver.port}/x"), trusting)
        assert "CERTIFICATE_VERIFY_FAILED" in reason
        assert receiver.received == []


def test_a_certificate_of_an_unknown_authority_is_refused(trusting: WebhookClient) -> None:
    with receiving(tls=secured(trustme.CA(), "receiver.example")) as receiver:
        reason = no_response(allowed(f"https://receiver.example:{receiver.port}/x"), trusting)
        assert "CERTIFICATE_VERIFY_FAILED" in reason
        assert receiver.received == []


@pytest.mark.usefixtures("hurried")
def test_a_handshake_that_never_ends_is_cut_off(trusting: WebhookClient) -> None:
    with speaking(say_nothing) as port:
        assert no_response(allowed(f"https://receiver.example:{port}/"), trusting) == "no response within 0.5 s"
