"""One POST: its receiver, its time limits, and how much of the response is read. Only loopback is connected to."""

import socket
import time

import pytest

from tasks.webhooks.webhook_client import EXCERPT_BYTES, TOTAL_S, WebhookClient
from tests.receivers import Receiver, Reply, drip, flood, receiving, say, say_nothing, speaking
from tests.unit.tasks.webhooks.conftest import allowed, at_port, no_response

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


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nX-A: b\r\n\r\n",
    "199 without a reason": b"HTTP/1.1 199\r\n\r\n",
    "of HTTP/1.0, bare LF": b"HTTP/1.0 103 Early Hints\nX-A: b\n\n",
}


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM)
def test_interim_responses_before_the_final_one_are_skipped(interim: bytes, count: int) -> None:
    final = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nabc"
    with speaking(say(interim * count + final)) as port:
        response = WebhookClient().post(at_port(port), {}, b"")
    assert (response.status, response.retry_after_s, response.excerpt) == (503, 7, "abc")


def test_interim_responses_of_different_kinds_are_skipped() -> None:
    with speaking(say(b"".join(INTERIM.values()) + b"HTTP/1.1 204 OK\r\n\r\n")) as port:
        assert WebhookClient().post(at_port(port), {}, b"").status == 204


def test_switching_protocols_is_a_final_response() -> None:
    with speaking(say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")) as port:
        assert WebhookClient().post(at_port(port), {}, b"").status == 101


@pytest.mark.parametrize(
    "interim", [INTERIM["100"], INTERIM["103"], b"HTTP/1.1 103 A\r\nX-A: " + b"a" * 9000 + b"\r\n\r\n"]
)
def test_endless_interim_responses_are_left_soon(interim: bytes) -> None:
    with speaking(flood(interim)) as port:
        assert "more than 64 KiB of interim responses" in no_response(at_port(port), within_s=TOTAL_S)


@pytest.mark.usefixtures("hurried")
def test_slow_endless_interim_responses_are_cut_off() -> None:
    with speaking(flood(INTERIM["102"], pause_s=0.05)) as port:
        assert no_response(at_port(port)) == "no response within 0.5 s"


@pytest.mark.parametrize("said", [INTERIM["103"], INTERIM["103"][:-2], INTERIM["103"][:20]])
def test_an_end_after_interim_responses_is_no_response(said: bytes) -> None:
    with speaking(say(said)) as port:
        assert no_response(at_port(port))


def test_a_port_where_nobody_listens_is_no_response() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in no_response(at_port(port))
