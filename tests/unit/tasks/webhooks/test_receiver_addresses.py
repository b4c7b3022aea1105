"""Names of receivers are resolved once, and every address is checked before a connection."""

import socket
import threading
from unittest import mock

import pytest

from app.generation.webhooks.urls import parse_webhook_url
from tasks.webhooks import webhook_client
from tasks.webhooks.webhook_client import AddressRefused, WebhookClient
from tests.receivers import Receiver
from tests.unit.tasks.webhooks.conftest import allowed, no_response


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections were made to, each of them refused."""
    made: list[tuple[str, int]] = []

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        made.append(address)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return made


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["8.8.8.8", "192.168.0.1"],
        ["2606:4700::1111", "fe80::1%eth0"],
        ["::ffff:10.0.0.1"],
        ["100.64.3.2", "8.8.8.8"],
    ],
)
def test_a_name_that_leads_to_any_address_of_ours_is_refused_before_a_connection(
    connected: list[tuple[str, int]], addresses: list[str]
) -> None:
    with pytest.raises(AddressRefused):
        WebhookClient(lambda host, port: addresses).post(parse_webhook_url("https://example.org/"), {}, b"")
    assert connected == []


def test_the_addresses_that_were_checked_are_the_ones_connected_to(connected: list[tuple[str, int]]) -> None:
    answers = [["8.8.8.8", "2606:4700::1111"], ["127.0.0.1"]]
    client = WebhookClient(lambda host, port: answers.pop(0))
    with mock.patch.object(socket, "getaddrinfo", side_effect=AssertionError("a second look-up")):
        assert "refused" in no_response(parse_webhook_url("http://example.org/"), client)
    assert connected == [("8.8.8.8", 80), ("2606:4700::1111", 80)]


def test_an_allowed_name_may_lead_anywhere(receiver: Receiver) -> None:
    url = allowed(f"http://localhost:{receiver.port}/")
    assert WebhookClient(lambda host, port: ["127.0.0.1"]).post(url, {}, b"").status == 204


def test_after_an_address_that_refuses_the_next_is_tried(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.2", receiver.port)) as server:
        server.close()
        url = allowed(f"http://localhost:{receiver.port}/")
        assert WebhookClient(lambda host, port: ["127.0.0.2", "127.0.0.1"]).post(url, {}, b"").status == 204


def test_a_name_without_address_and_one_that_is_unknown_are_no_response() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    url = parse_webhook_url("https://example.org/")
    assert "no address" in no_response(url, WebhookClient(lambda host, port: []))
    assert "not known" in no_response(url, WebhookClient(unknown))


@pytest.mark.usefixtures("hurried")
def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    over = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        over.wait(20)
        return ["127.0.0.1"]

    try:
        reason = no_response(parse_webhook_url("https://example.org/"), WebhookClient(hang), within_s=0.9)
        assert "not resolved within 0.25 s" in reason
    finally:
        over.set()


def test_the_machines_resolver_is_asked() -> None:
    assert webhook_client.resolve("127.0.0.1", 80) == ["127.0.0.1"]
