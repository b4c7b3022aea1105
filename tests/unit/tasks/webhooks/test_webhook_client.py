"""One POST: its receiver, its time limits, and how much of the response is read. Only loopback is connected to."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from unittest import mock

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from app.generation.webhooks.urls import WebhookUrl, parse_webhook_url
from tasks.webhooks import webhook_client
from tasks.webhooks.webhook_client import EXCERPT_BYTES, AddressRefused, NoResponse, WebhookClient, read_retry_after
from tests.receivers import Receiver, Reply, drip, receiving, say, say_nothing, speaking

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
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


# What is sent


def test_body_headers_and_target_arrive_as_they_are(receiver: Receiver) -> None:
    body = '{"курс": 1}'.encode()
    response = WebhookClient().post(allowed(receiver.url), {"Content-Type": "application/json", "X-A": "b"}, body)
    assert response.status == 204
    [received] = receiver.received
    assert (received.path, received.body) == ("/hook?key=1", body)
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "accept-encoding": "identity",
        "x-a": "b",
    }


def test_credentials_go_into_a_header_of_their_own(receiver: Receiver) -> None:
    url = allowed(receiver.url.replace("//", "//user:p%C3%A4ss@"))
    WebhookClient().post(url, {}, b"")
    assert receiver.received[0].headers["authorization"] == "Basic dXNlcjpww6Rzcw=="
    assert "user" not in receiver.received[0].path


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert WebhookClient().post(allowed(receiver.url), {}, b"").status == 204
        assert proxy.received == []
    assert len(receiver.received) == 1


# What is answered


@pytest.mark.parametrize("status", [200, 202, 301, 307, 308, 404, 410, 500, 503])
def test_every_status_is_a_response_and_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as elsewhere:
        receiver.reply = Reply(status, (("Location", elsewhere.url), ("Content-Length", "3")), b"abc")
        response = WebhookClient().post(allowed(receiver.url), {}, b"")
        assert (response.status, response.excerpt, response.retry_after_s) == (status, "abc", None)
        assert elsewhere.received == []
    assert len(receiver.received) == 1


def test_of_a_huge_body_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.reply = Reply(500, body=b"\0\xff\xd0" + b"y" * 10_000_000)
    began = time.monotonic()
    response = WebhookClient().post(allowed(receiver.url), {}, b"")
    assert (response.status, response.excerpt[:4], "\0" in response.excerpt) == (500, "���y", False)
    assert len(response.excerpt) <= EXCERPT_BYTES
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\nstart",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nstart",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nstart",
    ],
)
def test_an_endless_body_is_not_waited_for(head: bytes) -> None:
    with speaking(drip(head)) as port:
        began = time.monotonic()
        response = WebhookClient().post(at_port(port), {}, b"")
        assert (response.status, response.excerpt) == (200, "start")
        assert time.monotonic() - began < 0.9


@pytest.mark.usefixtures("hurried")
def test_a_body_that_never_begins_costs_the_excerpt_and_not_the_response() -> None:
    with speaking(say(b"HTTP/1.1 202 OK\r\n\r\n", stay=True)) as port:
        response = WebhookClient().post(at_port(port), {}, b"")
    assert (response.status, response.excerpt) == (202, "")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nX-A: ",
        b"HTTP/1.1 100 Continue\r\nX-A: ",
    ],
    ids=["nothing", "status", "header", "interim"],
)
def test_a_head_that_drips_for_ever_is_cut_off(head: bytes) -> None:
    with speaking(drip(head)) as port:
        assert no_response(at_port(port)) == "no response within 0.5 s"


@pytest.mark.usefixtures("hurried")
def test_silence_is_cut_off() -> None:
    with speaking(say_nothing) as port:
        assert no_response(at_port(port)) == "no response within 0.5 s"


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x16\x03\x01\0\xff" * 99]
)
def test_a_malformed_response_is_no_response(said: bytes) -> None:
    with speaking(say(said)) as port:
        assert no_response(at_port(port))


def test_the_reason_for_no_response_can_be_stored_and_shown() -> None:
    with speaking(say(b"\0\x1b[2J\xff" * 10_000 + b"\r\n\r\n")) as port:
        reason = no_response(at_port(port))
    assert reason.isprintable()
    assert len(reason) <= 200


def test_endless_headers_are_refused() -> None:
    flood = b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000
    with speaking(say(flood)) as port:
        assert "100 headers" in no_response(at_port(port))


def test_a_port_where_nobody_listens_is_no_response() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in no_response(at_port(port))


# TLS


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


# Names and addresses


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


# Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("Thu, 99 Jan 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


@given(st.text("0123456789 ,:-+TthuJanGMT", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_wait_or_none(value: str) -> None:
    found = read_retry_after(value, NOW)
    assert found is None or found >= 0
