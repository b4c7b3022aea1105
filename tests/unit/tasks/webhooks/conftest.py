"""A receiver on loopback, and the reasons why one gave no response."""

import time
from collections.abc import Iterator

import pytest

from app.generation.webhooks.urls import WebhookUrl, parse_webhook_url
from tasks.webhooks import webhook_client
from tasks.webhooks.webhook_client import NoResponse, WebhookClient
from tests.receivers import Receiver, receiving

ANY = frozenset({"127.0.0.1:*", "localhost:*", "receiver.example:*"})


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits as shipped, twenty times as short."""
    for name in ("RESOLVE_S", "CONNECT_S", "TOTAL_S"):
        monkeypatch.setattr(webhook_client, name, getattr(webhook_client, name) / 20)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def allowed(text: str) -> WebhookUrl:
    return parse_webhook_url(text, ANY)


def at_port(port: int) -> WebhookUrl:
    return allowed(f"http://127.0.0.1:{port}/")


def no_response(url: WebhookUrl, client: WebhookClient | None = None, within_s: float = 1.5) -> str:
    """The reason for no response."""
    began = time.monotonic()
    with pytest.raises(NoResponse) as caught:
        (client or WebhookClient()).post(url, {}, b"{}")
    assert time.monotonic() - began < within_s
    return str(caught.value)
